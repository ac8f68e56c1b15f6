import Support
import TensorIR

/// A reduction over given axes, all by default.
struct ReduceOperator: Operator {
  let name: OperatorName
  /// The first version that takes the axes as an argument.
  let axesAsArgumentSince: Int
  let combiner: Combiner
  let prepare: @Sendable (inout ScalarGraph, ScalarID) -> ScalarID
  let finish: @Sendable (inout ScalarGraph, ScalarID, Dim) -> ScalarID

  init(
    _ name: String, versions: [Int] = [1, 11, 13, 18], axesAsArgumentSince: Int = 18, _ combiner: Combiner,
    prepare: @escaping @Sendable (inout ScalarGraph, ScalarID) -> ScalarID = { $1 },
    finish: @escaping @Sendable (inout ScalarGraph, ScalarID, Dim) -> ScalarID = { _, value, _ in value }
  ) {
    self.name = OperatorName(name, versions: versions)
    self.axesAsArgumentSince = axesAsArgumentSince
    self.combiner = combiner
    self.prepare = prepare
    self.finish = finish
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    guard let frame = try reductionFrame(node, b.shape(of: x), argumentSince: axesAsArgumentSince, &b) else {
      // Without axes nothing is combined, but every element still passes through the operator's function.
      return [try b.elementwise([x]) { finish(&$0, prepare(&$0, $1[0]), 1) }]
    }
    let keepsAxes = try node.flag("keepdims", default: true)
    return [b.reduce(x, frame, keepsAxes: keepsAxes, combiner, prepare: prepare, finish: finish)]
  }
}

/// The iteration space of a ReduceX operator, or nil if it leaves its argument alone.
func reductionFrame(
  _ node: OperatorNode, _ shape: [Dim], argumentSince version: Int, _ b: inout GraphBuilder
) throws(ModelError) -> ReductionFrame? {
  let given = try axesArgument(node, since: version, b)
  if case .open(let argument)? = given, b.shape(of: argument) != [0] { return try ReductionFrame(shape, .open(argument), &b) }
  guard case .known(let list)? = given, !list.isEmpty else {
    return try node.flag("noop_with_empty_axes") ? nil : ReductionFrame(shape, axes: Array(shape.indices))
  }
  var axes: Set<Int> = []
  for axis in list { axes.insert(try normalizedAxis(axis, rank: shape.count, name: "axes:")) }
  return ReductionFrame(shape, axes: axes.sorted())
}

/// Reductions of the ReduceX family; ReduceLogSumExp, which takes two passes, has a file of its own.
let reduceOperators: [any Operator] = [
  ReduceOperator("ReduceL1", .sum, prepare: { $0.unary(.abs, $1) }),
  ReduceOperator(
    "ReduceL2", .sum, prepare: { $0.times($1, $1) },
    finish: { graph, sum, _ in graph.throughFloat(sum) { $0.unary(.sqrt, $1) } }),
  ReduceOperator(
    "ReduceLogSum", versions: [1, 11, 13, 18, 28], .sum,
    finish: { graph, sum, _ in graph.throughFloat(sum) { $0.unary(.log, $1) } }),
  ReduceOperator("ReduceMax", versions: [1, 11, 12, 13, 18, 20], .max),
  ReduceOperator("ReduceMean", .sum, finish: { $0.mean($1, over: $2) }),
  ReduceOperator("ReduceMin", versions: [1, 11, 12, 13, 18, 20], .min),
  ReduceOperator("ReduceProd", .product),
  ReduceOperator("ReduceSum", versions: [1, 11, 13], axesAsArgumentSince: 13, .sum),
  ReduceOperator("ReduceSumSquare", .sum, prepare: { $0.times($1, $1) }),
]

extension ScalarGraph {
  /// Applies a float function to a value of any numeric type.
  mutating func throughFloat(_ value: ScalarID, _ function: (inout ScalarGraph, ScalarID) -> ScalarID) -> ScalarID {
    let element = type(of: value)
    if element.isFloat { return function(&self, value) }
    return cast(function(&self, cast(value, to: .f64)), to: element)
  }
}
