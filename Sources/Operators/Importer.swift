import ONNXReader
import Support
import TensorIR

/// A model in Tensor IR with the names of its interface.
public struct ImportedModel {
  public var graph: Graph
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
}

/// Translates a model, with named dimensions bound to sizes where `dims` has them.
///
/// `inputs` gives the types of the inputs in place of the declared ones, and `custom` has operators that functions of
/// the user compute.
///
/// - Throws: `ModelError` with the diagnostics of all nodes that cannot be translated.
public func importModel(
  _ model: Model, dims: [String: Int] = [:], inputs: [ValueInfo]? = nil, custom: CustomOperators = CustomOperators()
) throws(ModelError) -> ImportedModel {
  var importer = Importer()
  var builder = GraphBuilder()
  var functions: [String: FunctionDef] = [:]
  for function in model.functions { functions[Importer.functionKey(function.domain, function.name)] = function }
  var scope = Scope(opsets: model.opsets, functions: functions)
  scope.custom = custom
  let given = Dictionary((inputs ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  var used: [ValueInfo] = []
  for input in model.graph.inputs where model.requiredInputs.contains(input) || given[input.name] != nil {
    scope.values[input.name] = try ImportedValue(input: input, dims: dims, given: given, &used, &builder)
  }
  let values = importer.graph(model.graph, scope: &scope, in: &builder)
  guard importer.diagnostics.isEmpty else { throw ModelError(importer.diagnostics) }
  let outputs = zip(model.graph.outputs, values).flatMap { info, value in value?.outputs(info, &builder) ?? [] }
  return ImportedModel(
    graph: builder.finish(outputs: outputs.map(\.value)), inputs: used, outputs: outputs.map(\.info))
}

/// Translates nodes one by one and collects what is wrong with them.
struct Importer {
  var diagnostics: [Diagnostic] = []

  static func functionKey(_ domain: String, _ name: String) -> String {
    "\(domain == "ai.onnx" ? "" : domain)::\(name)"
  }

  static func tensorType(_ info: ValueInfo, _ dims: [String: Int]) throws(ModelError) -> TensorType {
    guard case .tensor(let element, let shape)? = info.type else {
      let type = info.type.map { "\($0)" } ?? "unknown"
      throw .unsupported("input '\(info.name)' has type \(type); only tensors can be inputs")
    }
    if element == .c128 { throw .wideComplex("input '\(info.name)'") }
    guard let shape else {
      throw .unsupported("input '\(info.name)' has no declared rank", hint: "set its shape in the model")
    }
    var result: [Dim] = []
    for (axis, dim) in shape.enumerated() {
      switch dim {
      case .value(let size): result.append(Dim(size))
      case .param(let name) where name.hasSuffix(Dim.measuredMark):
        throw .unsupported("input '\(info.name)' has a dimension called \(name)", hint: "name it without the apostrophe")
      case .param(let name): result.append(dims[name].map { Dim($0) } ?? Dim(symbol: name))
      case .unknown:
        let name = "\(info.name)_dim\(axis)"
        result.append(dims[name].map { Dim($0) } ?? Dim(symbol: name))
      }
    }
    return TensorType(element, result)
  }

  /// Adds a graph's computation; its inputs are in the scope. Returns its outputs, nil where one failed.
  mutating func graph(_ graph: GraphDef, scope: inout Scope, in builder: inout GraphBuilder) -> [ImportedValue?] {
    // An initializer with the name of an input is what counts if the input is not given.
    let inputs = Set(graph.inputs.map(\.name))
    for initializer in graph.initializers
    where !inputs.contains(initializer.name) || scope.values[initializer.name] == nil {
      scope.values[initializer.name] = builder.literal(initializer)
    }
    for sparse in graph.sparseInitializers {
      scope.values[sparse.values.name] = .some(
        sparse.dense().map { .tensor(builder.constant(ConstantTensor($0))) })
    }
    for position in graph.nodes.indices {
      let reported = diagnostics.count
      node(graph.nodes[position], scope: &scope, in: &builder)
      if diagnostics.count > reported, let values = ContinuedChoice(graph, position, scope).values(in: &builder) {
        diagnostics.removeSubrange(reported...)
        return values
      }
    }
    return graph.outputs.map { output in
      switch scope.lookup(output.name) {
      case .value(let value):
        if value.values.contains(where: { builder.type(of: $0).element == .c128 }) {
          report(.wideComplex("output '\(output.name)'"), at: "")
        }
        builder.name(value, output.name)
        return value
      case .failed: return nil
      case .undefined:
        report(.invalid("output '\(output.name)' is not computed by any node"), at: "")
        return nil
      }
    }
  }

  private mutating func report(_ error: ModelError, at location: String) {
    diagnostics += error.located(at: location).diagnostics
  }

  private mutating func node(_ node: NodeDef, scope: inout Scope, in builder: inout GraphBuilder) {
    let domain = node.domain == "ai.onnx" ? "" : node.domain
    let opset = scope.opsets[domain] ?? (domain.isEmpty ? scope.opsets["ai.onnx"] : nil)
    let location = node.location(version: opset)
    for output in node.outputs where !output.isEmpty { scope.values[output] = .some(nil) }
    do {
      guard let arguments = try arguments(node, scope) else { return }
      builder.origin = location
      try requireComplexMoved(node, arguments, builder)
      let start = builder.graph.nodes.count
      let results = try results(node, domain, opset, arguments, &scope, &builder)
      guard builder.completes(since: start) else {
        let types = arguments.flatMap { $0?.values ?? [] }.map { "\(builder.type(of: $0))" }
        throw ModelError.invalid("arguments of types \(types.joined(separator: ", ")) do not fit each other")
      }
      for value in results.flatMap(\.values) where !builder.type(of: value).hasValidSize {
        throw ModelError.invalid("a result has type \(builder.type(of: value)), which no memory holds")
      }
      for (name, value) in zip(node.outputs, results) where !name.isEmpty {
        scope.values[name] = value
        builder.name(value, name)
      }
      for name in node.outputs.dropFirst(results.count) where !name.isEmpty {
        throw ModelError.unsupported("result '\(name)' is not supported")
      }
    } catch let error as ModelError {
      report(error, at: location)
    } catch {
      fatalError("operators throw ModelError, not \(error)")
    }
  }

  /// Complex numbers are only moved; those of `complex128` have no form in memory.
  private func requireComplexMoved(_ node: NodeDef, _ arguments: [ImportedValue?], _ builder: GraphBuilder)
    throws(ModelError)
  {
    let types = arguments.flatMap { $0?.values ?? [] }.map { builder.type(of: $0).element }
    if types.contains(.c128) { throw .wideComplex("an argument") }
    guard types.contains(.c64), let found = Registry.find(node.domain == "ai.onnx" ? "" : node.domain, node.opType),
      !(found is any ContainerOperator), !StringMovement.moving.contains(node.opType),
      !StringMovement.measuring.contains(node.opType)
    else { return }
    throw .invalid("\(node.opType) does not take complex64", hint: "split numbers into two parts, an axis of real ones")
  }

  /// The node's arguments, or nil if one of them failed.
  private func arguments(_ node: NodeDef, _ scope: Scope) throws(ModelError) -> [ImportedValue?]? {
    var arguments: [ImportedValue?] = []
    for name in node.inputs {
      if name.isEmpty {
        arguments.append(nil)
        continue
      }
      switch scope.lookup(name) {
      case .value(let value): arguments.append(value)
      case .failed: return nil
      case .undefined: throw .invalid("argument '\(name)' is not defined")
      }
    }
    return arguments
  }

  private mutating func results(
    _ node: NodeDef, _ domain: String, _ opset: Int?, _ arguments: [ImportedValue?], _ scope: inout Scope,
    _ builder: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    if let rule = scope.custom.rule(domain, node.opType) {
      let operatorNode = OperatorNode(definition: node, version: opset ?? 1, values: arguments, scope: scope)
      return try rule.build(operatorNode, in: &builder).map { .tensor($0) }
    }
    if let function = scope.functions[Importer.functionKey(domain, node.opType)] {
      return try call(function, node, arguments, scope, &builder)
    }
    guard let candidate = Registry.find(domain, node.opType) else {
      throw .unsupported(
        "operator \(node.opType) of domain '\(domain.isEmpty ? "ai.onnx" : domain)' is not supported",
        hint: Registry.hint(domain, node.opType))
    }
    guard let opset else { throw .invalid("the model imports no operator set of domain '\(domain)'") }
    guard let version = candidate.name.versions.last(where: { $0 <= opset }) else {
      throw .unsupported(
        "version \(opset) of \(node.opType) is not supported", hint: "convert the model to operator set 7 or later")
    }
    let operatorNode = OperatorNode(definition: node, version: version, values: arguments, scope: scope)
    return try candidate.results(operatorNode, in: &builder)
  }

  private mutating func call(
    _ function: FunctionDef, _ node: NodeDef, _ arguments: [ImportedValue?], _ scope: Scope, _ builder: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    guard scope.depth < 64 else { throw .invalid("functions call each other without end") }
    var inner = Scope(opsets: function.opsets.isEmpty ? scope.opsets : function.opsets, functions: scope.functions)
    for (name, argument) in zip(function.inputs, arguments) { if let argument { inner.values[name] = argument } }
    let attributes = function.defaultAttributes.merging(node.attributes) { _, given in given }
    inner.depth = scope.depth + 1
    inner.custom = scope.custom
    for body in function.nodes {
      var bound = body.binding(attributes)
      bound.inputs = body.inputs.map { inner.values[$0] == nil && function.inputs.contains($0) ? "" : $0 }
      self.node(bound, scope: &inner, in: &builder)
    }
    var results: [ImportedValue] = []
    for output in function.outputs {
      guard case .value(let value) = inner.lookup(output) else {
        throw ModelError([])
      }
      results.append(value)
    }
    return results
  }
}

extension NodeDef {
  /// The node with references to attributes of the enclosing function replaced, in body graphs too.
  fileprivate func binding(_ outer: [String: AttributeValue]) -> NodeDef {
    var node = self
    for (name, value) in attributes {
      switch value {
      case .reference(let other): node.attributes[name] = outer[other]
      case .graph(var body):
        body.nodes = body.nodes.map { $0.binding(outer) }
        node.attributes[name] = .graph(body)
      case .graphs(let bodies):
        node.attributes[name] = .graphs(
          bodies.map { body in
            var copy = body
            copy.nodes = body.nodes.map { $0.binding(outer) }
            return copy
          })
      case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types:
        continue
      }
    }
    return node
  }
}

extension Operator {
  /// The results for values of all kinds.
  fileprivate func results(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    guard node.values.contains(where: { $0?.strings.isEmpty == false }) else { return try ownResults(node, in: &b) }
    guard StringMovement.moving.contains(name.name) || StringMovement.measuring.contains(name.name) else {
      return try (Registry.stringForm(of: self) ?? self).ownResults(node, in: &b)
    }
    let (arguments, bytes) = StringMovement.spans(node.values, &b)
    let moved = OperatorNode(definition: node.definition, version: node.version, values: arguments, scope: node.scope)
    let results = try ownResults(moved, in: &b)
    guard let bytes, StringMovement.moving.contains(name.name) else { return results }
    return results.map { $0.asStrings(bytes) }
  }

  private func ownResults(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    if let container = self as? any ContainerOperator { return try container.buildValues(node, in: &b) }
    for (position, value) in node.values.enumerated() { _ = try value?.tensor("argument \(position)") }
    return try build(node, in: &b).map { .tensor($0) }
  }
}

extension GraphBuilder {
  /// A literal of the model.
  mutating func literal(_ tensor: TensorData) -> ImportedValue {
    tensor.element == .string ? .strings(strings(tensor)) : .tensor(constant(ConstantTensor(tensor)))
  }

  fileprivate mutating func name(_ value: ImportedValue, _ name: String) {
    switch value {
    case .tensor(let tensor): self.name(tensor, name)
    case .strings(let strings):
      self.name(strings.spans, name)
      self.name(strings.bytes, "\(name).bytes")
    case .sequence, .optional, .map, .maps: return
    }
  }
}

extension ConstantTensor {
  /// The elements of a numeric tensor of the model.
  init(_ tensor: TensorData) {
    self.init(tensor.element, dims: tensor.dims, bytes: tensor.bytes)
  }
}

extension ModelError {
  fileprivate static func wideComplex(_ what: String) -> ModelError {
    .unsupported(
      "\(what) has type complex128, which is not supported",
      hint: "use complex64, or float64 with a last axis of real and imaginary parts")
  }
}
