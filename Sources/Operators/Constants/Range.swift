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
    let count = element.isFloat ? try floatCount(arguments, b) : try integerCount(arguments, b)
    let scalars = arguments.map { b.reshape($0, []) }
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

  private func integerCount(_ arguments: [ValueID], _ b: GraphBuilder) throws(ModelError) -> Dim {
    let start = try b.requireScalarExtent(arguments[0], "the start")
    let limit = try b.requireScalarExtent(arguments[1], "the limit")
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
