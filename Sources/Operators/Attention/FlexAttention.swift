import ONNXReader
import Support
import TensorIR

/// Scaled dot-product attention with body graphs that change scores and probabilities.
struct FlexAttention: Operator {
  let name = OperatorName("FlexAttention", domain: "ai.onnx.preview", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let arguments = [try node.input(0), try node.input(1), try node.input(2)]
    try b.requireFloat(arguments[0], "the query")
    try b.requireSameType(arguments)
    for value in arguments where b.shape(of: value).count != 4 {
      throw .invalid("an argument has rank \(b.shape(of: value).count), not 4")
    }
    var query = try Heads(arguments[0], count: nil, "the query", &b)
    var key = try Heads(arguments[1], count: nil, "the key", &b)
    var value = try Heads(arguments[2], count: nil, "the value", &b)
    try Heads.requireFit(query: query, key: key, value: value, &b)
    let size = query.extents(b).size
    let group = try query.group(over: key, b)
    let element = b.type(of: query.value).element
    let precision = try node.elementType("softmax_precision") ?? element.precise
    guard precision.isFloat, precision.bits >= 16 else {
      throw .invalid("attribute 'softmax_precision' is \(precision.rawValue)")
    }
    let given = try node.float("scale")
    func root(_ graph: inout ScalarGraph, _ type: ElementType) -> ScalarID {
      let scale = given.map { graph.number($0, .f64) }
        ?? graph.over(graph.number(1, .f64), graph.unary(.sqrt, graph.cast(graph.dim(size), to: .f64)))
      return graph.cast(graph.unary(.sqrt, scale), to: type)
    }
    query.value = try b.elementwise([query.value]) { $0.times($1[0], root(&$0, element)) }
    key.value = try b.elementwise([key.value]) { $0.times($1[0], root(&$0, element)) }
    let scores = try b.cast(b.scores(query, key, group, in: element) { $1 }, to: precision)
    let changed = try modified(scores, "score_mod", node, &b)
    let probabilities = try b.softmax(changed, [3])
    value.value = try b.cast(value.value, to: precision)
    let y = b.weighted(try modified(probabilities, "prob_mod", node, &b), value, group, isFlat: false)
    return [try b.cast(y, to: element)]
  }

  /// The result of a body graph that may be left out.
  private func modified(
    _ value: ValueID, _ name: String, _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    guard node.has(name) else { return value }
    let results = try node.inline(try node.graph(name), [value], in: &b)
    guard results.count == 1, b.type(of: results[0]).element == b.type(of: value).element,
      b.shape(of: results[0]).count == 4
    else {
      throw .invalid("'\(name)' has results of types \(results.map { b.type(of: $0) }), not \(b.type(of: value))")
    }
    try b.requireShape(results[0], b.shape(of: value), "the result of '\(name)'")
    return results[0]
  }
}
