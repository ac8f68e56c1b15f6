import Support
import TensorIR

/// Slices written at tuples of indices in the last axis of a tensor.
struct ScatterND: Operator {
  let name = OperatorName("ScatterND", versions: 11, 13, 16, 18)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let data = try node.input(0)
    let indices = try node.input(1)
    let updates = try node.input(2)
    try b.require(indices, "the indices", isOneOf: .i64)
    try b.requireSameType([data, updates])
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    guard let last = picked.shape.last else { throw .invalid("the indices are a scalar") }
    let tuple = try b.requireConstant(last, "the number of indices per tuple")
    guard tuple <= type.rank else {
      throw .invalid("indices of shape \(picked.shape) do not fit data of rank \(type.rank)")
    }
    let outer = picked.rank - 1
    let shape = Array(picked.shape[..<outer]) + Array(type.shape[tuple...])
    try b.requireShape(updates, shape, "the updates")
    try b.checkIndices(indices, extents: Array(type.shape[..<tuple]))
    var target = ScalarGraph()
    let axes = shape.indices.map { target.axis($0) }
    let position = (0..<tuple).map { step in
      let index = target.read(1, Array(axes[..<outer]) + [target.integer(step)], type: .i64)
      return target.indexFromFront(index, extent: type.shape[step])
    }
    target.results = position + axes[outer...] + [target.read(2, axes, type: type.element)]
    let combiner = try scatterCombiner(node)
    return b.add(.scatter(Scatter(updates: shape, combiner: combiner, target: target)), [data, indices, updates])
  }
}
