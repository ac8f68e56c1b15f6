import LoopIR
import Support
import TensorIR

/// Applies a function of terms to scalars, or vectors of so many lanes, of Loop IR: statements that come first, and the value.
func applyTerm(
  _ arguments: [Expr], lanes: Int = 1, in builder: inout KernelBuilder, _ function: ([Term]) -> Term
) -> (statements: [Statement], value: Expr) {
  let math = MathBuilder()
  let terms = arguments.enumerated().map { position, argument in
    math.term(math.graph.accumulator(position, argument.type.element))
  }
  math.graph.results = [function(terms).id]
  var emitter = ScalarEmitter(math.graph, operands: [], extents: [], axes: [], lanes: lanes, accumulators: arguments)
  let value = emitter.result(0, in: &builder)
  return (emitter.statements, value)
}
