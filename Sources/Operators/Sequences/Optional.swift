import Support
import TensorIR

/// A value that is there, or, without an argument, one that is not.
struct OptionalOperator: ContainerOperator {
  let name = OperatorName("Optional", versions: 15, 28)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    [.optional(ImportedOptional(node.optionalValue(0)))]
  }
}

/// Whether an optional value is there.
struct OptionalHasElement: ContainerOperator {
  let name = OperatorName("OptionalHasElement", versions: 15, 18, 28)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    func known(_ isPresent: Bool) -> [ImportedValue] {
      [.tensor(b.constant(ConstantTensor(.bool, dims: [], integers: [isPresent ? 1 : 0])))]
    }
    guard case .optional(let optional)? = node.optionalValue(0) else { return known(node.optionalValue(0) != nil) }
    return optional.isPresent.map { [.tensor($0)] } ?? known(optional.value != nil)
  }
}

/// The value inside an optional one; a call in which it is not there fails.
struct OptionalGetElement: ContainerOperator {
  let name = OperatorName("OptionalGetElement", versions: 15, 18, 28)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    guard case .optional(let optional) = try node.value(0) else { return [try node.value(0)] }
    guard let value = optional.value else { throw .invalid("the optional value is not there") }
    if let isPresent = optional.isPresent {
      let flag = b.measured(b.reshape(try b.cast(isPresent, to: .i64), [1]), as: "present")
      b.assume([DimFact(flag[0], .equal, 1)], isRequired: true)
    }
    return [value]
  }
}

/// The argument itself.
struct Identity: ContainerOperator {
  let name = OperatorName("Identity", versions: 1, 13, 14, 16, 19, 21, 23, 24, 25)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    [try node.value(0)]
  }
}
