import Support
import TensorIR

/// The iteration space of a reduction over some axes of a tensor.
struct ReductionFrame {
  /// Extents of the result's axes, then of the axes that are reduced.
  var outer: [Dim]
  var reduced: [Dim]
  /// By axis of the data, the iteration axes whose positions add up to the index.
  var walks: [[Int]]
  /// The result's shape with and without the reduced axes.
  var keptShape: [Dim]
  var droppedShape: [Dim]

  /// A reduction of axes counted from the front.
  init(_ shape: [Dim], axes: [Int]) {
    let kept = shape.indices.filter { !axes.contains($0) }
    outer = kept.map { shape[$0] }
    reduced = axes.map { shape[$0] }
    walks = [[Int]](repeating: [], count: shape.count)
    for (position, axis) in (kept + axes).enumerated() { walks[axis] = [position] }
    keptShape = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    droppedShape = outer
  }

  /// A reduction of axes that only a call knows: every axis is walked by a result's axis and by a reduced one, one of which has extent 1.
  init(_ shape: [Dim], _ axes: AxesArgument, _ b: inout GraphBuilder) throws(ModelError) {
    let rank = shape.count
    let (vector, count) = try axes.vector(&b)
    guard count <= rank else { throw .invalid("\(count) axes of rank \(rank)") }
    let extents = b.computedExtents("extent", [vector]) { graph in
      let axes = graph.axes(0, count: count, rank: rank)
      let marks = graph.marks(axes, rank: rank)
      let one = graph.integer(1)
      let kept = zip(marks, shape).map { graph.select($0, one, graph.dim($1)) }
      let reduced = zip(marks, shape).map { graph.select($0, graph.dim($1), one) }
      let isKept = marks.map { graph.unary(.not, $0) }
      return kept + reduced + graph.chosen(kept, where: isKept, count: rank - count) + axes
    }
    outer = Array(extents.prefix(rank))
    reduced = Array(extents[rank..<2 * rank])
    walks = shape.indices.map { [$0, rank + $0] }
    keptShape = outer
    droppedShape = Array(extents[2 * rank..<3 * rank - count])
    b.assume(zip(outer + reduced, shape + shape).map { DimFact($0, .atMost, .maximum($1, 1)) })
  }
}

extension GraphBuilder {
  /// Reduces the given axes (normalized) of `prepare(x)`; `finish` gets the accumulator and the number of elements.
  mutating func reduceAxes(
    _ x: ValueID, _ axes: [Int], keepsAxes: Bool, _ combiner: Combiner,
    prepare: (inout ScalarGraph, ScalarID) -> ScalarID = { $1 },
    finish: (inout ScalarGraph, ScalarID, Dim) -> ScalarID = { _, value, _ in value }
  ) -> ValueID {
    reduce(
      x, ReductionFrame(shape(of: x), axes: axes), keepsAxes: keepsAxes, combiner, prepare: prepare, finish: finish)
  }

  /// Reduces `prepare(x)` over an iteration space; `finish` gets the accumulator and the number of elements.
  mutating func reduce(
    _ x: ValueID, _ frame: ReductionFrame, keepsAxes: Bool, _ combiner: Combiner,
    prepare: (inout ScalarGraph, ScalarID) -> ScalarID = { $1 },
    finish: (inout ScalarGraph, ScalarID, Dim) -> ScalarID = { _, value, _ in value }
  ) -> ValueID {
    let type = type(of: x)
    var body = ScalarGraph()
    let indices = frame.walks.map { walk in
      walk.dropFirst().reduce(body.axis(walk[0])) { body.plus($0, body.axis($1)) }
    }
    let value = body.read(0, indices, type: type.element)
    // Sums of half floats are kept in f32, so that they neither overflow nor lose their small terms. Only short sums of
    // bf16 are rounded after every term, as the reference evaluator's published results are.
    let isShort = (frame.reduced.product.constant ?? .max) <= 8
    let prepared = prepare(&body, value)
    let summand = body.type(of: prepared)
    let isHalf = summand == .f16 || (summand == .bf16 && !isShort)
    body.results = [isHalf && combiner == .sum ? body.cast(prepared, to: .f32) : prepared]
    let result = reduce(combiner, shape: frame.outer, reduced: frame.reduced, operands: [x], body: body) {
      graph, accumulators in
      let finished = finish(&graph, accumulators[0], frame.reduced.product)
      return [isHalf ? graph.cast(finished, to: summand) : finished] + accumulators.dropFirst()
    }
    let value0 = combiner.hasPosition ? result[1] : result[0]
    return reshape(value0, keepsAxes ? frame.keptShape : frame.droppedShape)
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
