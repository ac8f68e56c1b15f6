import Support
import TensorIR

extension GraphBuilder {
  /// Reduces the given axes (normalized) of `prepare(x)`; `finish` gets the accumulator and the number of elements.
  mutating func reduceAxes(
    _ x: ValueID, _ axes: [Int], keepsAxes: Bool, _ combiner: Combiner,
    prepare: (inout ScalarGraph, ScalarID) -> ScalarID = { $1 },
    finish: (inout ScalarGraph, ScalarID, Dim) -> ScalarID = { _, value, _ in value }
  ) -> ValueID {
    let type = type(of: x)
    let kept = (0..<type.rank).filter { !axes.contains($0) }
    var body = ScalarGraph()
    var indices = [ScalarID](repeating: body.integer(0), count: type.rank)
    for (position, axis) in (kept + axes).enumerated() { indices[axis] = body.axis(position) }
    let value = body.read(0, indices, type: type.element)
    let reduced = axes.map { type.shape[$0] }
    // Sums of half floats are kept in f32, so that they neither overflow nor lose their small terms. Only short sums of
    // bf16 are rounded after every term, as the reference evaluator's published results are.
    let isShort = (reduced.product.constant ?? .max) <= 8
    let isHalf = type.element == .f16 || (type.element == .bf16 && !isShort)
    let prepared = prepare(&body, value)
    body.results = [isHalf && combiner == .sum ? body.cast(prepared, to: .f32) : prepared]
    let result = reduce(
      combiner, shape: kept.map { type.shape[$0] }, reduced: reduced, operands: [x], body: body
    ) { graph, accumulators in
      let finished = finish(&graph, accumulators[0], reduced.product)
      return [isHalf ? graph.cast(finished, to: type.element) : finished] + accumulators.dropFirst()
    }
    let value0 = combiner.hasPosition ? result[1] : result[0]
    guard keepsAxes else { return value0 }
    return reshape(value0, type.shape.indices.map { axes.contains($0) ? 1 : type.shape[$0] })
  }
}

extension ScalarGraph {
  /// A sum divided by the number of its terms.
  mutating func mean(_ sum: ScalarID, over count: Dim) -> ScalarID {
    let element = type(of: sum)
    let terms = dim(count)
    return over(sum, cast(element.isFloat ? terms : nonZeroDivisor(terms), to: element))
  }
}
