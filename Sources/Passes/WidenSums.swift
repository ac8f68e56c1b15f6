import Support
import TensorIR

/// Sums and multiplies half floats in `f32` and rounds once.
func widenSums(_ graph: Graph) -> Graph {
  var result = graph
  for (position, node) in graph.nodes.enumerated() {
    guard case .reduce(var reduce) = node.primitive, reduce.combiner == .sum || reduce.combiner == .product else { continue }
    let type = reduce.body.type(of: reduce.body.results[0])
    guard type == .f16 || type == .bf16 else { continue }
    reduce.body.results[0] = reduce.body.cast(reduce.body.results[0], to: .f32)
    reduce.epilogue = reduce.epilogue.withAccumulator(.f32)
    result.nodes[position].primitive = .reduce(reduce)
  }
  return result
}
