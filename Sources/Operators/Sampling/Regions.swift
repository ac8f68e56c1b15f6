import Support
import TensorIR

extension GraphBuilder {
  /// Computes something of every region's picture: `slices` have one slice per region along axis 0.
  ///
  /// `compute` gets the region's picture `[C, H, W]` in type `wide` and the slices.
  mutating func forEachRegion(
    _ x: ValueID, _ batches: ValueID, _ slices: [ValueID], wide: ElementType,
    _ compute: (inout GraphBuilder, ValueID, [ValueID]) throws(ModelError) -> ValueID
  ) throws(ModelError) -> ValueID {
    let type = type(of: x)
    let scanned = [try cast(batches, to: .i64)] + slices
    try checkIndices(scanned[0], extents: [type.shape[0]], allowsNegative: false)
    var inner = GraphBuilder(inside: self)
    _ = inner.input(TensorType(.i64, []))
    let inputs = scanned.map { inner.input(TensorType(self.type(of: $0).element, Array(shape(of: $0).dropFirst()))) }
    let pictures = inner.input(type)
    var pick = ScalarGraph()
    let batch = pick.wrappedIndex(pick.read(1, [], type: .i64), extent: type.shape[0])
    let axes = (0..<3).map { pick.axis($0) }
    pick.results = [pick.cast(pick.read(0, [batch] + axes, type: type.element), to: wide)]
    let picture = inner.map(Array(type.shape.dropFirst()), pick, [pictures, inputs[0]])
    let result = try compute(&inner, picture, Array(inputs.dropFirst()))
    let scan = Scan(
      length: shape(of: batches)[0], carried: 0, scanned: scanned.count, reversedInputs: scanned.map { _ in false },
      reversedOutputs: [false], body: inner.finish(outputs: [try inner.cast(result, to: type.element)]))
    return add(.scan(scan), scanned + [x])[0]
  }
}
