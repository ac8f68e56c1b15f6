import Glibc
import Support
import TensorIR

/// Numbers from a start up to a limit.
struct RangeOperator: Operator {
  let name = OperatorName("Range", versions: 11, 27)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let arguments = [try node.input(0), try node.input(1), try node.input(2)]
    try b.requireSameType(arguments)
    let element = b.type(of: arguments[0]).element
    for value in arguments where b.shape(of: value).constants?.reduce(1, *) != 1 {
      throw .invalid("start, limit and delta must be scalars")
    }
    let scalars = arguments.map { b.reshape($0, []) }
    let isKnown = arguments.allSatisfy { element.isFloat ? b.constantValue($0) != nil : b.knownIntegers($0) != nil }
    let count = !isKnown || (!element.isFloat && b.knownIntegers(arguments[2])?[0].constant == nil)
      ? measuredCount(scalars, element, &b)
      : element.isFloat ? try floatCount(arguments, b) : try integerCount(arguments, b)
    var body = ScalarGraph()
    let position = body.cast(body.axis(0), to: element)
    func argument(_ index: Int) -> ScalarID {
      if let known = b.knownIntegers(scalars[index]), element == .i64 { return body.dim(known[0]) }
      return b.literal(scalars[index], in: &body) ?? body.read(index, [], type: element)
    }
    let step = body.times(position, argument(2))
    body.results = [body.plus(step, argument(0))]
    return [b.map([count], body, scalars)]
  }

  /// The number of elements, computed by a call, which fails if the delta is 0.
  private func measuredCount(_ scalars: [ValueID], _ element: ElementType, _ b: inout GraphBuilder) -> Dim {
    b.computedExtents("range", scalars) { graph in
      let type: ElementType = element.isFloat ? .f64 : .i64
      let (start, limit, delta) = (
        graph.cast(graph.read(0, [], type: element), to: type), graph.cast(graph.read(1, [], type: element), to: type),
        graph.cast(graph.read(2, [], type: element), to: type)
      )
      let zero = graph.number(0, type)
      let span = graph.minus(limit, start)
      let count: ScalarID
      if element.isFloat {
        let quotient = graph.unary(.ceil, graph.over(span, delta))
        let bounded = graph.binary(.max, graph.binary(.min, quotient, graph.number(1e15, type)), zero)
        count = graph.cast(graph.select(graph.compare(.equal, quotient, quotient), bounded, zero), to: .i64)
      } else {
        let size = graph.binary(.max, graph.unary(.abs, delta), graph.integer(1))
        let isDown = graph.compare(.less, delta, zero)
        let distance = graph.select(isDown, graph.negate(span), span)
        let steps = graph.binary(.floorDivide, graph.plus(distance, graph.minus(size, graph.integer(1))), size)
        count = graph.binary(.max, steps, zero)
      }
      return [graph.select(graph.compare(.equal, delta, zero), graph.integer(-1), count)]
    }[0]
  }

  private func integerCount(_ arguments: [ValueID], _ b: GraphBuilder) throws(ModelError) -> Dim {
    let start = try b.requireIntegers(arguments[0], "the start")[0]
    let limit = try b.requireIntegers(arguments[1], "the limit")[0]
    let delta = try b.requireConstantIntegers(arguments[2], "the delta")[0]
    guard delta != 0 else { throw .invalid("the delta is 0") }
    let span = delta > 0 ? limit - start : start - limit
    let step = abs(delta)
    return .maximum((span + (step - 1)).floorDivided(by: Dim(step)), 0)
  }

  private func floatCount(_ arguments: [ValueID], _ b: GraphBuilder) throws(ModelError) -> Dim {
    let start = try b.requireNumbers(arguments[0], "the start")[0]
    let limit = try b.requireNumbers(arguments[1], "the limit")[0]
    let delta = try b.requireNumbers(arguments[2], "the delta")[0]
    guard delta != 0 else { throw .invalid("the delta is 0") }
    let count = ceil((limit - start) / delta)
    guard count < 1e15 else { throw .invalid("the range has \(count) numbers") }
    return Dim(max(0, Int(count)))
  }
}
