import Support
import TensorIR

/// A new last axis with 1 where an integer equals a category.
struct OneHotEncoder: Operator {
  let name = OperatorName("OneHotEncoder", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    guard let categories = try node.ints("cats_int64s"), !categories.isEmpty else {
      throw .unsupported("categories are strings", hint: "encode integers")
    }
    guard try node.flag("zeros", default: true) else {
      throw .unsupported("unknown categories cannot fail", hint: "set attribute 'zeros' to 1")
    }
    let type = b.type(of: try node.input(0))
    var body = ScalarGraph()
    let value = body.cast(body.read(0, (0..<type.rank).map { body.axis($0) }, type: type.element), to: .i64)
    let category = body.read(1, [body.axis(type.rank)], type: .i64)
    body.results = [body.cast(body.compare(.equal, value, category), to: .f32)]
    let table = b.constant(.integers(categories))
    return [b.map(type.shape + [Dim(categories.count)], body, [try node.input(0), table])]
  }
}
