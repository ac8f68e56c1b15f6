import Support
import TensorIR

/// 1 above a threshold, else 0.
struct Binarizer: Operator {
  let name = OperatorName("Binarizer", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let threshold = try node.float("threshold", default: 0)
    let x = try node.input(0)
    let element = b.type(of: x).element
    return [
      try b.elementwise([x]) { graph, values in
        let wide: ElementType = element == .f64 || element == .i64 ? .f64 : .f32
        let value = graph.cast(values[0], to: wide)
        return graph.cast(graph.compare(.greater, value, graph.number(threshold, wide)), to: element)
      }
    ]
  }
}
