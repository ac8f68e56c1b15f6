import Support
import TensorIR

/// Conversion to the element type of an attribute.
struct Cast: Operator {
  let name = OperatorName("Cast", versions: 6, 9, 13, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    guard let target = try node.elementType("to") else { throw .invalid("attribute 'to' is missing") }
    return [try b.convert(try node.input(0), to: target, node)]
  }
}

/// Conversion to the element type of another tensor.
struct CastLike: Operator {
  let name = OperatorName("CastLike", versions: 15, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    [try b.convert(try node.input(0), to: b.type(of: try node.input(1)).element, node)]
  }
}

extension GraphBuilder {
  fileprivate mutating func convert(_ x: ValueID, to target: ElementType, _ node: OperatorNode) throws(ModelError)
    -> ValueID
  {
    guard target != .string else { throw .unsupported("conversion to strings is not supported") }
    if try !node.flag("saturate", default: true), type(of: x).element != target, target.bits == 8, target.isFloat {
      throw .unsupported("conversion to \(target.rawValue) without saturation is not supported")
    }
    return try cast(x, to: target)
  }
}
