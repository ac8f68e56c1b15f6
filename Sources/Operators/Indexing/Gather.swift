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
    try b.checkIndices(indices, extents: [type.shape[axis]])
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
  /// Checks that all indices are within an extent, or within one extent for each position of the last axis; negative
  /// ones count from the back. A call checks those that only it knows.
  mutating func checkIndices(
    _ indices: ValueID, extents: [Dim], allowsNegative: Bool = true
  ) throws(ModelError) {
    guard !extents.isEmpty else { return }
    guard let known = knownIntegers(indices) else {
      return checkAtRunTime(indices, extents: extents, allowsNegative: allowsNegative)
    }
    for (position, index) in known.enumerated() {
      let extent = extents[position % extents.count]
      let what = "index \(index) is out of range for extent \(extent)"
      try requireAtMost(allowsNegative ? -extent : 0, index, what)
      try requireAtMost(index + 1, extent, what)
    }
  }

  private mutating func checkAtRunTime(_ indices: ValueID, extents: [Dim], allowsNegative: Bool) {
    let type = type(of: indices)
    var body = ScalarGraph()
    let axes = type.shape.indices.map { body.axis($0) }
    let index = body.cast(body.read(0, axes, type: type.element), to: .i64)
    var end = body.dim(extents[0])
    for (position, extent) in extents.enumerated().dropFirst() {
      end = body.select(body.compare(.equal, axes[type.rank - 1], body.integer(position)), body.dim(extent), end)
    }
    let isOutside = body.binary(
      .or, body.compare(.less, index, allowsNegative ? body.negate(end) : body.integer(0)),
      body.compare(.greaterOrEqual, index, end))
    body.results = [isOutside]
    fail(.indexOutOfRange, ifAny: body, over: type.shape, [indices])
  }

  /// Makes a call fail if a condition, the body's `bool` result, holds at any position of a shape.
  mutating func fail(_ status: Status, ifAny condition: ScalarGraph, over shape: [Dim], _ operands: [ValueID]) {
    var body = condition
    body.results = [body.cast(condition.results[0], to: .i64)]
    let found = reduce(
      .max, shape: [], reduced: shape, operands: operands, body: body,
      epilogue: { graph, values in [graph.binary(.max, values[0], graph.integer(0))] })[0]
    let count = measured(reshape(found, [1]), as: "outside")[0]
    assume([DimFact(count, .equal, 0)], isRequired: true, status: status)
  }
}
