import LoopIR
import Support
import TensorIR

/// Applies a function of terms to Loop IR scalars: statements that come first, and the value.
func applyTerm(
  _ arguments: [Expr], in builder: inout KernelBuilder, _ function: ([Term]) -> Term
) -> (statements: [Statement], value: Expr) {
  let math = MathBuilder()
  let terms = arguments.enumerated().map { position, argument in
    math.term(math.graph.accumulator(position, argument.type.element))
  }
  math.graph.results = [function(terms).id]
  var emitter = ScalarEmitter(math.graph, operands: [], extents: [], axes: [], accumulators: arguments)
  let value = emitter.result(0, in: &builder)
  return (emitter.statements, value)
}
