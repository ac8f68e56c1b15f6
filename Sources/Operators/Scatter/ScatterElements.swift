import Support
import TensorIR

/// Updates written at indices along one axis, at their own position in the others.
struct ScatterElements: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let data = try node.input(0)
    let indices = try node.input(1)
    let updates = try node.input(2)
    try b.require(indices, "the indices", isOneOf: .i32, .i64)
    try b.requireSameType([data, updates])
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    guard type.rank == picked.rank, type.rank > 0 else {
      throw .invalid("data and indices have ranks \(type.rank) and \(picked.rank)")
    }
    try b.requireShape(updates, picked.shape, "the updates")
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: type.rank)
    for other in type.shape.indices where other != axis {
      try b.requireAtMost(picked.shape[other], type.shape[other], "the indices are too many in dimension \(other)")
    }
    try b.checkIndices(indices, extents: [type.shape[axis]])
    var target = ScalarGraph()
    let axes = type.shape.indices.map { target.axis($0) }
    var position = axes
    position[axis] = target.indexFromFront(target.read(1, axes, type: picked.element), extent: type.shape[axis])
    target.results = position + [target.read(2, axes, type: type.element)]
    let combiner = try scatterCombiner(node)
    return b.add(
      .scatter(Scatter(updates: picked.shape, combiner: combiner, target: target)), [data, indices, updates])
  }
}

/// ScatterElements and its old name.
let scatterElementsOperators: [any Operator] = [
  ScatterElements(name: OperatorName("Scatter", versions: 9, 11)),
  ScatterElements(name: OperatorName("ScatterElements", versions: 11, 13, 16, 18)),
]

/// The combiner that attribute 'reduction' asks for.
func scatterCombiner(_ node: OperatorNode) throws(ModelError) -> ScatterCombiner {
  let reduction = try node.string("reduction", default: "none")
  switch reduction {
  case "none": return .assign
  case "add": return .add
  case "mul": return .multiply
  case "min": return .min
  case "max": return .max
  default: throw .invalid("attribute 'reduction' is '\(reduction)'")
  }
}

extension ScalarGraph {
  /// An index that counts from the back where it is negative; it may still be out of range.
  mutating func indexFromFront(_ index: ScalarID, extent: Dim) -> ScalarID {
    let index = cast(index, to: .i64)
    return select(compare(.less, index, integer(0)), plus(index, dim(extent)), index)
  }
}
