import Support
import TensorIR

/// A tensor cut into a sequence of parts along one axis.
struct SplitToSequence: ContainerOperator {
  let name = OperatorName("SplitToSequence", versions: 11, 24)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: shape.count)
    let extent = shape[axis]
    guard let split = node.optionalInput(1) else {
      return [.sequence(ImportedSequence(try single(x, axis, keepsAxis: try node.flag("keepdims", default: true), &b)))]
    }
    if b.shape(of: split).isEmpty { return [.sequence(try equal(x, axis, split, &b))] }
    let sizes = try b.extents(split, "the split", as: "part")
    let total = sizes.reduce(Dim(0), +)
    try b.requireEqual(total, extent, "the parts \(sizes) do not sum to the extent")
    b.assume(sizes.filter { $0.constant == nil }.map { DimFact($0, .atMost, extent) })
    var start = Dim(0)
    var parts: [ImportedValue] = []
    for size in sizes {
      parts.append(.tensor(b.slice(x, axis: axis, from: start, count: size)))
      start = start + size
    }
    return [.sequence(ImportedSequence(parts))]
  }

  private func fixed(_ extent: Dim) throws(ModelError) -> Int {
    guard let count = extent.constant, count <= 1024 else {
      throw .unsupported("a sequence of \(extent) parts is not supported", hint: "bind the dimension with --dim")
    }
    return count
  }

  /// Parts of one position each.
  private func single(_ x: ValueID, _ axis: Int, keepsAxis: Bool, _ b: inout GraphBuilder) throws(ModelError)
    -> [ImportedValue]
  {
    var shape = b.shape(of: x)
    let count = try fixed(shape[axis])
    shape.remove(at: axis)
    return (0..<count).map { index in
      let part = b.slice(x, axis: axis, from: Dim(index), count: 1)
      return .tensor(keepsAxis ? part : b.reshape(part, shape))
    }
  }

  /// Parts of one size, the last of which may be shorter.
  private func equal(_ x: ValueID, _ axis: Int, _ split: ValueID, _ b: inout GraphBuilder) throws(ModelError)
    -> ImportedSequence
  {
    let extent = b.shape(of: x)[axis]
    if let known = b.knownIntegers(split)?.first?.constant {
      guard known > 0 else { throw .invalid("the size of the parts is \(known)") }
      let count = (try fixed(extent) + known - 1) / known
      return ImportedSequence(
        (0..<count).map { index in
          .tensor(b.slice(x, axis: axis, from: Dim(index * known), count: .minimum(Dim(known), extent - index * known)))
        })
    }
    let capacity = try fixed(extent)
    let size = try b.extents(split, "the size of the parts", as: "part")[0]
    b.assume([DimFact(1, .atMost, size)], isRequired: true)
    let items = (0..<capacity).map { index in
      let rest = Dim.maximum(extent - size * index, 0)
      let count = Dim.minimum(size, rest)
      b.assume([DimFact(count, .atMost, extent)])
      return ImportedValue.tensor(b.slice(x, axis: axis, from: .minimum(size * index, extent), count: count))
    }
    let length = b.integers([(extent + size - 1).floorDivided(by: size)])
    return ImportedSequence(items, length: b.reshape(length, []))
  }
}
