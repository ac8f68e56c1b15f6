import Support
import TensorIR

/// A tensor of random numbers in a given shape, or in that of an argument.
struct RandomOperator: Operator {
  enum Distribution { case uniform, normal }

  let name: OperatorName
  let distribution: Distribution
  let isLike: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let model = isLike ? b.type(of: try node.input(0)) : TensorType(.f32, try shape(node))
    let element = try node.elementType("dtype") ?? model.element
    switch element {
    case .f16, .bf16, .f32, .f64: break
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .i2, .i4, .u2, .u4, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz,
      .f8e5m2, .f8e5m2fnuz, .f8e8m0, .c64, .c128, .string:
      throw .invalid("random numbers cannot be \(element.rawValue); set attribute 'dtype' to a float type")
    }
    let numbers = try RandomNumbers(node, b)
    var body = ScalarGraph()
    let position = body.linearPosition(model.shape)
    switch distribution {
    case .uniform:
      let low = try node.float("low", default: 0)
      let high = try node.float("high", default: 1)
      body.results = [body.affineNumber(numbers.uniform(position, element, &body), high - low, low)]
    case .normal:
      let mean = try node.float("mean", default: 0)
      let scale = try node.float("scale", default: 1)
      body.results = [body.cast(body.affineNumber(numbers.normal(position, &body), scale, mean), to: element)]
    }
    return [b.map(model.shape, body, [])]
  }

  private func shape(_ node: OperatorNode) throws(ModelError) -> [Dim] {
    guard let shape = try node.ints("shape") else { throw .invalid("attribute 'shape' is missing") }
    guard shape.allSatisfy({ $0 >= 0 }) else { throw .invalid("attribute 'shape' is \(shape)") }
    return shape.map { Dim($0) }
  }
}

/// RandomUniform and RandomNormal, and their forms that take the shape of an argument.
let randomOperators: [any Operator] = [
  RandomOperator(name: OperatorName("RandomNormal", versions: 1, 22), distribution: .normal, isLike: false),
  RandomOperator(name: OperatorName("RandomNormalLike", versions: 1, 22), distribution: .normal, isLike: true),
  RandomOperator(name: OperatorName("RandomUniform", versions: 1, 22), distribution: .uniform, isLike: false),
  RandomOperator(name: OperatorName("RandomUniformLike", versions: 1, 22), distribution: .uniform, isLike: true),
]
