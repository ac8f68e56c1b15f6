import Support
import TensorIR

/// Sums and multiplies `f16` in `f32` and rounds once; `bf16` is rounded after every term, as the reference evaluator of ONNX does.
func widenSums(_ graph: Graph) -> Graph {
  var result = graph
  for (position, node) in graph.nodes.enumerated() {
    guard case .reduce(var reduce) = node.primitive, reduce.combiner == .sum || reduce.combiner == .product else { continue }
    let type = reduce.body.type(of: reduce.body.results[0])
    guard type == .f16 else { continue }
    reduce.body.results[0] = reduce.body.cast(reduce.body.results[0], to: .f32)
    reduce.epilogue = reduce.epilogue.withAccumulator(.f32)
    result.nodes[position].primitive = .reduce(reduce)
  }
  return result
}
