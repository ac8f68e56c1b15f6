import Support
import TensorIR

extension GraphBuilder {
  /// Reduces windows of `x` [N, C, spatial…]; positions in the padding count as `outside`.
  mutating func pool(
    _ x: ValueID, _ window: Window, _ combiner: Combiner, outside: Double,
    epilogue: (inout ScalarGraph, [ScalarID]) -> [ScalarID] = { _, accumulators in accumulators },
    prepare: (inout ScalarGraph, ScalarID) -> ScalarID = { $1 }
  ) -> [ValueID] {
    let type = type(of: x)
    var body = ScalarGraph()
    var indices = [body.axis(0), body.axis(1)]
    for axis in 0..<window.rank {
      let start = body.affine(body.axis(2 + axis), scale: window.strides[axis], offset: -window.padBefore[axis])
      let step = body.affine(body.axis(2 + window.rank + axis), scale: window.dilations[axis], offset: 0)
      indices.append(body.plus(start, step))
    }
    let fallback = combiner.identityNode(&body, type.element, outside)
    let value = body.read(0, indices, outside: fallback, type: type.element)
    body.results = [prepare(&body, value)]
    return reduce(
      combiner, shape: Array(type.shape.prefix(2)) + window.output, reduced: window.kernel, operands: [x], body: body,
      epilogue: epilogue)
  }
}

extension Combiner {
  /// The node for positions outside: the identity of `min` and `max`, else the given number.
  func identityNode(_ graph: inout ScalarGraph, _ element: ElementType, _ number: Double) -> ScalarID {
    switch self {
    case .sum, .product: graph.number(number, element)
    case .min, .max, .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast:
      graph.add(.literal(identity(element), element), type: element)
    }
  }
}

/// Checks that pooled data has batch, channel and spatial axes, and returns the spatial extents.
func spatialExtents(_ x: ValueID, in b: GraphBuilder) throws(ModelError) -> [Dim] {
  let shape = b.shape(of: x)
  guard shape.count >= 3 else { throw .invalid("the data has rank \(shape.count); at least 3 is needed") }
  return Array(shape.dropFirst(2))
}
