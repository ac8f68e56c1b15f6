import Support
import TensorIR

/// Conversion to the element type of an attribute.
struct Cast: ContainerOperator {
  let name = OperatorName("Cast", versions: 1, 6, 9, 13, 19, 21, 23, 24, 25, 28)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    [try b.convert(try node.value(0), to: try target(node), node)]
  }

  private func target(_ node: OperatorNode) throws(ModelError) -> ElementType {
    if node.version >= 6 {
      guard let target = try node.elementType("to") else { throw .invalid("attribute 'to' is missing") }
      return target
    }
    guard let name = try node.string("to") else { throw .invalid("attribute 'to' is missing") }
    guard let target = Cast.names[name.uppercased()] else {
      throw .invalid("attribute 'to' is '\(name)', which is no element type")
    }
    return target
  }

  /// The types of operator set 1, which are given by name.
  private static let names: [String: ElementType] = [
    "BOOL": .bool, "INT8": .i8, "INT16": .i16, "INT32": .i32, "INT64": .i64, "UINT8": .u8, "UINT16": .u16,
    "UINT32": .u32, "UINT64": .u64, "FLOAT16": .f16, "FLOAT": .f32, "DOUBLE": .f64, "STRING": .string,
  ]
}

/// Conversion to the element type of another tensor.
struct CastLike: ContainerOperator {
  let name = OperatorName("CastLike", versions: 15, 19, 21, 23, 24, 25)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let target: ElementType
    if case .strings = try node.value(1) { target = .string } else { target = b.type(of: try node.input(1)).element }
    return [try b.convert(try node.value(0), to: target, node)]
  }
}

extension GraphBuilder {
  fileprivate mutating func convert(_ x: ImportedValue, to target: ElementType, _ node: OperatorNode) throws(ModelError)
    -> ImportedValue
  {
    guard case .tensor(let value) = x, target != .string else { return try cast(x, to: target) }
    if type(of: value).element == target { return x }
    let rounding = try node.smallFloatRounding()
    return .tensor(try elementwise([value]) { $0.cast($1[0], to: target, rounding) })
  }
}
