import ONNXReader
import Support
import TensorIR

extension CustomOperatorRule {
  /// Adds the call of the C function that computes the node, and returns its results.
  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let arguments = try arguments(node)
    for name in node.definition.attributes.keys.sorted() where !attributes.contains(where: { $0.name == name }) {
      throw .invalid("the rule '\(self)' has no attribute '\(name)'")
    }
    var call = CustomCall()
    for (input, argument) in zip(inputs, arguments) { try call.add(input, argument, &b) }
    for attribute in attributes { try call.add(attribute, node, &b) }
    for output in outputs { try call.add(output, &b) }
    let suffix = try typeVariables.map { (name) throws(ModelError) in "_" + (try call.type(name)).rawValue }.joined()
    let function = ExternalFunction(
      name: functionName + suffix, parameters: call.parameters, documentation: text(call.types))
    return b.add(
      .external(External(function: function, arguments: call.arguments, results: call.results)), call.operands)
  }

  private func arguments(_ node: OperatorNode) throws(ModelError) -> [ValueID?] {
    guard node.values.count <= inputs.count, node.resultCount <= outputs.count else {
      let counts = "\(node.values.count) arguments and \(node.resultCount) results"
      throw .invalid("the node has \(counts), the rule '\(self)' does not")
    }
    var arguments: [ValueID?] = []
    for (position, input) in inputs.enumerated() {
      if node.optionalValue(position) == nil {
        guard input.isOptional else { throw .invalid("argument \(position), '\(input.name)', is missing") }
        arguments.append(nil)
      } else {
        arguments.append(try node.input(position))
      }
    }
    return arguments
  }
}

/// The parameters of a custom operator's function and their arguments, with what the names of the rule stand for.
private struct CustomCall {
  var parameters: [ExternalFunction.Parameter] = []
  var arguments: [ExternalArgument] = []
  var operands: [ValueID] = []
  var results: [TensorType] = []
  private(set) var types: [String: ElementType] = [:]
  private var extents: [String: Dim] = [:]
  private var lists: [String: [Dim]] = [:]

  func type(_ name: String) throws(ModelError) -> ElementType {
    guard let type = types[name] else {
      throw .unsupported("no argument tells the element type \(name)", hint: "write the type in the rule")
    }
    return type
  }

  private func resolved(_ element: CustomOperatorRule.Element) throws(ModelError) -> ElementType {
    switch element {
    case .fixed(let element): return element
    case .variable(let name): return try type(name)
    }
  }

  private mutating func pass(
    _ name: String, _ kind: ExternalFunction.ParameterKind, _ element: ElementType, _ argument: ExternalArgument
  ) {
    parameters.append(ExternalFunction.Parameter(name, kind, element))
    arguments.append(argument)
  }

  private mutating func operand(_ value: ValueID) -> ExternalArgument {
    operands.append(value)
    return .operand(operands.count - 1)
  }

  // MARK: Inputs

  mutating func add(_ input: CustomOperatorRule.Tensor, _ value: ValueID?, _ b: inout GraphBuilder) throws(ModelError) {
    guard let value else {
      pass(input.name, .input, try resolved(input.element), .absent)
      passShape(input, nil, &b)
      return
    }
    let type = b.type(of: value)
    switch input.element {
    case .fixed(let element):
      guard type.element == element else {
        throw .invalid("argument '\(input.name)' is \(type.element.rawValue), not \(element.rawValue)")
      }
    case .variable(let name):
      if let known = types.updateValue(type.element, forKey: name), known != type.element {
        throw .invalid("\(name) is \(known.rawValue), but argument '\(input.name)' is \(type.element.rawValue)")
      }
    }
    guard type.element.isInC else {
      throw .unsupported("argument '\(input.name)' is \(type.element.rawValue), which functions in C cannot take")
    }
    try match(input, type.shape, &b)
    pass(input.name, .input, type.element, operand(value))
    passShape(input, type.shape, &b)
  }

  /// Passes the number of dimensions where the rule leaves it open, and the dimensions.
  private mutating func passShape(_ tensor: CustomOperatorRule.Tensor, _ shape: [Dim]?, _ b: inout GraphBuilder) {
    if tensor.hasOpenRank { pass(tensor.name + "_rank", .value, .i64, .integer(shape?.count ?? 0)) }
    if tensor.axes.isEmpty { return }
    let dims: ExternalArgument = shape.map { $0.isEmpty ? .absent : operand(b.integers($0)) } ?? .absent
    pass(tensor.name + "_dims", .input, .i64, dims)
  }

  /// Gives names their dimensions; a name that has one must have the same one.
  private mutating func match(_ input: CustomOperatorRule.Tensor, _ shape: [Dim], _ b: inout GraphBuilder)
    throws(ModelError)
  {
    let single = input.axes.count - (input.hasOpenRank ? 1 : 0)
    guard shape.count == single || (input.hasOpenRank && shape.count > single) else {
      throw .invalid("argument '\(input.name)' has rank \(shape.count), but the rule says '\(input)'")
    }
    var rest = shape[...]
    for axis in input.axes {
      switch axis {
      case .rest(let name):
        let list = Array(rest.prefix(shape.count - single))
        rest = rest.dropFirst(list.count)
        guard let known = lists.updateValue(list, forKey: name) else { continue }
        guard known.count == list.count else { throw .invalid("..\(name) is \(known) and \(list)") }
        for (first, second) in zip(known, list) { try b.requireEqual(first, second, "..\(name)") }
      case .single(let extent):
        guard let dim = rest.popFirst() else { continue }
        switch extent {
        case .number(let value): try b.requireEqual(dim, Dim(value), "a dimension of argument '\(input.name)'")
        case .name(let name):
          guard let known = extents.updateValue(dim, forKey: name) else { continue }
          try b.requireEqual(known, dim, "dimension '\(name)'")
        case .element, .sum, .difference, .product, .quotient: fatalError("an input has a computed dimension")
        }
      }
    }
  }

  // MARK: Attributes

  mutating func add(_ attribute: CustomOperatorRule.Attribute, _ node: OperatorNode, _ b: inout GraphBuilder)
    throws(ModelError)
  {
    let name = attribute.name
    let missing = ModelError.invalid("attribute '\(name)' is missing, and the rule has no default")
    switch attribute.kind {
    case .int:
      guard let value = try node.int(name) ?? attribute.integers?.first else { throw missing }
      extents[name] = Dim(value)
      pass(name, .value, .i64, .integer(value))
    case .float:
      guard let value = try node.float(name).map({ Float($0) }) ?? attribute.floats?.first else { throw missing }
      pass(name, .value, .f32, .float(value))
    case .string:
      guard let text = try node.string(name) ?? attribute.text else { throw missing }
      let bytes = Array(text.utf8) + [0]
      pass(name, .text, .u8, operand(b.constant(ConstantTensor(.u8, dims: [bytes.count], bytes: bytes))))
    case .ints:
      guard let values = try node.ints(name) ?? attribute.integers else { throw missing }
      lists[name] = values.map { Dim($0) }
      passList(name, ConstantTensor(.i64, dims: [values.count], integers: values), &b)
    case .floats:
      guard let values = try node.floats(name) ?? attribute.floats?.map({ Double($0) }) else { throw missing }
      passList(name, ConstantTensor(.f32, dims: [values.count], doubles: values), &b)
    }
  }

  private mutating func passList(_ name: String, _ list: ConstantTensor, _ b: inout GraphBuilder) {
    pass(name, .input, list.type.element, list.count == 0 ? .absent : operand(b.constant(list)))
    pass(name + "_count", .value, .i64, .integer(list.count))
  }

  // MARK: Outputs

  mutating func add(_ output: CustomOperatorRule.Tensor, _ b: inout GraphBuilder) throws(ModelError) {
    var shape: [Dim] = []
    for axis in output.axes {
      switch axis {
      case .rest(let name):
        guard let list = lists[name] else { throw .invalid("no argument tells the dimensions ..\(name)") }
        shape += list
      case .single(let extent):
        let dim = try value(extent)
        guard dim.constant.map({ $0 >= 0 }) ?? true else {
          throw .invalid("dimension '\(extent)' of result '\(output.name)' is \(dim)")
        }
        if !Dim(0).isAtMost(dim) { b.assume([DimFact(0, .atMost, dim)], isRequired: true) }
        shape.append(dim)
      }
    }
    let type = TensorType(try resolved(output.element), shape)
    results.append(type)
    pass(output.name, .output, type.element, .result(results.count - 1))
    passShape(output, shape, &b)
  }

  private func value(_ extent: CustomOperatorRule.Extent) throws(ModelError) -> Dim {
    switch extent {
    case .number(let value): return Dim(value)
    case .name(let name):
      guard let dim = extents[name] else { throw .invalid("no argument tells dimension '\(name)'") }
      return dim
    case .element(let name, let index):
      guard let list = lists[name], list.indices.contains(index) else {
        throw .invalid("attribute '\(name)' has no element \(index)")
      }
      return list[index]
    case .sum(let a, let b): return try value(a) + value(b)
    case .difference(let a, let b): return try value(a) - value(b)
    case .product(let a, let b): return try value(a) * value(b)
    case .quotient(let a, let b):
      let divisor = try value(b)
      guard divisor.constant.map({ $0 > 0 }) ?? true else { throw .invalid("'\(extent)' divides by \(divisor)") }
      return try value(a).floorDivided(by: divisor)
    }
  }
}

extension CustomOperatorRule.Attribute {
  fileprivate var integers: [Int]? { if case .integers(let values)? = fallback { values } else { nil } }
  fileprivate var floats: [Float]? { if case .floats(let values)? = fallback { values } else { nil } }
  fileprivate var text: String? { if case .text(let text)? = fallback { text } else { nil } }
}
