import Support
import TensorIR

/// Slices of one axis picked by indices.
struct Gather: Operator {
  let name = OperatorName("Gather", versions: 1, 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let data = try node.input(0)
    let indices = try node.input(1)
    try b.require(indices, "the indices", isOneOf: .i32, .i64)
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: type.rank)
    try b.checkIndices(indices, extent: type.shape[axis])
    let shape = Array(type.shape[..<axis]) + picked.shape + Array(type.shape[(axis + 1)...])
    var body = ScalarGraph()
    let position: ScalarID
    if let known = b.knownIntegers(indices), known.count == 1, let index = known[0].constant {
      position = body.dim(index < 0 ? type.shape[axis] + index : Dim(index))
    } else {
      let index = body.read(1, picked.shape.indices.map { body.axis(axis + $0) }, type: picked.element)
      position = body.wrappedIndex(index, extent: type.shape[axis])
    }
    let before = (0..<axis).map { body.axis($0) }
    let after = (axis + 1..<type.rank).map { body.axis($0 - 1 + picked.rank) }
    body.results = [body.read(0, before + [position] + after, type: type.element)]
    return [b.map(shape, body, [data, indices])]
  }
}

extension GraphBuilder {
  /// Checks indices that are known at compile time against an extent that is.
  func checkIndices(_ indices: ValueID, extent: Dim) throws(ModelError) {
    guard let known = knownIntegers(indices)?.constants, let extent = extent.constant else { return }
    if let wrong = known.first(where: { $0 < -extent || $0 >= extent }) {
      throw .invalid("index \(wrong) is out of range for extent \(extent)")
    }
  }
}
