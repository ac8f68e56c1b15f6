import ONNXReader
import Support
import TensorIR

/// An operator's identity, and the operator set versions at which its definition changed.
public struct OperatorName: Hashable, Sendable {
  public var domain: String
  public var name: String
  /// Rising; a model's operator set selects the last one that is not above it.
  public var versions: [Int]

  public init(_ name: String, domain: String = "", versions: Int...) {
    self.init(name, domain: domain, versions: versions)
  }

  public init(_ name: String, domain: String = "", versions: [Int]) {
    self.name = name
    self.domain = domain
    self.versions = versions
  }
}

/// The meaning of an ONNX operator in terms of Tensor IR primitives.
public protocol Operator: Sendable {
  var name: OperatorName { get }

  /// Adds the node's computation and returns its results; missing trailing results are results that nobody asked for.
  ///
  /// - Throws: `ModelError` if the node is wrong or beyond what is supported; the caller adds the node's location.
  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID]
}

/// An operator that takes or gives sequences or optional values.
protocol ContainerOperator: Operator {
  /// Like `build`, for values of all kinds.
  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue]
}

extension ContainerOperator {
  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var results: [ValueID] = []
    for value in try buildValues(node, in: &b) { results.append(try value.tensor("a result")) }
    return results
  }
}

/// A node as an operator sees it: resolved arguments and typed access to attributes.
public struct OperatorNode {
  public let definition: NodeDef
  /// The operator's version that applies.
  public let version: Int
  /// Arguments by position; nil where one is left out.
  public let values: [ImportedValue?]
  /// Values of the enclosing graphs by name, for operators with body graphs.
  public let scope: Scope

  init(definition: NodeDef, version: Int, arguments: [ValueID?], scope: Scope) {
    self.init(definition: definition, version: version, values: arguments.map { $0.map { .tensor($0) } }, scope: scope)
  }

  init(definition: NodeDef, version: Int, values: [ImportedValue?], scope: Scope) {
    self.definition = definition
    self.version = version
    self.values = values
    self.scope = scope
  }

  /// The arguments that are tensors; nil elsewhere.
  public var arguments: [ValueID?] {
    values.map { value in if case .tensor(let tensor)? = value { tensor } else { nil } }
  }

  /// A required argument of any kind.
  func value(_ position: Int) throws(ModelError) -> ImportedValue {
    guard let value = optionalValue(position) else { throw .invalid("argument \(position) is missing") }
    return value
  }

  /// An argument of any kind that may be left out.
  func optionalValue(_ position: Int) -> ImportedValue? { position < values.count ? values[position] : nil }

  /// A required argument that is a sequence, an optional one that is certainly there included.
  func sequence(_ position: Int) throws(ModelError) -> ImportedSequence {
    switch try value(position) {
    case .sequence(let sequence): return sequence
    case .optional(let optional):
      if case .sequence(let sequence)? = optional.value, optional.isPresent == nil { return sequence }
      throw .invalid("argument \(position) is an optional value, not a sequence")
    case .tensor, .strings: throw .invalid("argument \(position) is a tensor, not a sequence")
    case .map: throw .invalid("argument \(position) is a map, not a sequence")
    case .maps: throw .unsupported("argument \(position) is a sequence of maps, whose elements are not values of their own")
    }
  }

  /// A required argument that is a tensor of strings.
  func strings(_ position: Int) throws(ModelError) -> ImportedStrings {
    if case .strings(let strings) = try value(position) { return strings }
    throw .invalid("argument \(position) is not a tensor of strings")
  }

  /// The number of results that the model uses.
  public var resultCount: Int { definition.outputs.count }

  /// Whether the model uses a result.
  public func uses(result: Int) -> Bool { result < definition.outputs.count && !definition.outputs[result].isEmpty }

  /// A required argument.
  public func input(_ position: Int) throws(ModelError) -> ValueID {
    try value(position).tensor("argument \(position)")
  }

  /// An argument that may be left out.
  public func optionalInput(_ position: Int) -> ValueID? {
    if case .tensor(let value)? = optionalValue(position) { value } else { nil }
  }

  /// All arguments of a variadic operator.
  public func inputs() throws(ModelError) -> [ValueID] {
    var values: [ValueID] = []
    for position in arguments.indices { values.append(try input(position)) }
    guard !values.isEmpty else { throw .invalid("there are no arguments") }
    return values
  }

  public func has(_ name: String) -> Bool { definition.attributes[name] != nil }

  public func int(_ name: String) throws(ModelError) -> Int? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .int(let value) = attribute { return value }
    throw .invalid("attribute '\(name)' must be an integer")
  }

  public func int(_ name: String, default value: Int) throws(ModelError) -> Int { try int(name) ?? value }

  /// An integer attribute as a truth value.
  public func flag(_ name: String, default value: Bool = false) throws(ModelError) -> Bool {
    try int(name).map { $0 != 0 } ?? value
  }

  public func ints(_ name: String) throws(ModelError) -> [Int]? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .ints(let values) = attribute { return values }
    throw .invalid("attribute '\(name)' must be a list of integers")
  }

  public func float(_ name: String) throws(ModelError) -> Double? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .float(let value) = attribute { return Double(value) }
    throw .invalid("attribute '\(name)' must be a float")
  }

  public func float(_ name: String, default value: Double) throws(ModelError) -> Double { try float(name) ?? value }

  public func floats(_ name: String) throws(ModelError) -> [Double]? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .floats(let values) = attribute { return values.map { Double($0) } }
    throw .invalid("attribute '\(name)' must be a list of floats")
  }

  public func string(_ name: String) throws(ModelError) -> String? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .string(let bytes) = attribute { return String(decoding: bytes, as: UTF8.self) }
    throw .invalid("attribute '\(name)' must be a string")
  }

  public func string(_ name: String, default value: String) throws(ModelError) -> String { try string(name) ?? value }

  public func strings(_ name: String) throws(ModelError) -> [String]? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .strings(let values) = attribute { return values.map { String(decoding: $0, as: UTF8.self) } }
    throw .invalid("attribute '\(name)' must be a list of strings")
  }

  /// A list of strings as bytes.
  func byteStrings(_ name: String) throws(ModelError) -> [[UInt8]]? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .strings(let values) = attribute { return values.map { Array($0) } }
    throw .invalid("attribute '\(name)' must be a list of strings")
  }

  public func tensor(_ name: String) throws(ModelError) -> TensorData? {
    guard let attribute = definition.attributes[name] else { return nil }
    if case .tensor(let value) = attribute { return value }
    throw .invalid("attribute '\(name)' must be a tensor")
  }

  public func graph(_ name: String) throws(ModelError) -> GraphDef {
    if case .graph(let graph)? = definition.attributes[name] { return graph }
    throw .invalid("attribute '\(name)' must be a graph")
  }

  /// An element type given as an ONNX number.
  public func elementType(_ name: String) throws(ModelError) -> ElementType? {
    guard let number = try int(name) else { return nil }
    guard let element = ElementType(onnxNumber: number) else {
      throw .invalid("attribute '\(name)' is \(number), which is no element type")
    }
    return element
  }

  /// An attribute that is a number of heads, groups or the like; `standard` stands for one that is not given.
  ///
  /// - Throws: `ModelError.invalid` if it is not positive, or if products of such numbers might be too large.
  func count(_ name: String, default standard: Int? = nil) throws(ModelError) -> Int {
    guard let count = try int(name) ?? standard, count > 0, count < 1 << 24 else {
      throw .invalid("attribute '\(name)' must be \(standard == nil ? "given, " : "")positive and below 2^24")
    }
    return count
  }
}

extension ElementType {
  /// The type in which values of this type are summed, scaled and interpolated: `f64` for itself, else `f32`.
  var precise: ElementType { self == .f64 ? .f64 : .f32 }
}

/// The axis counted from the front.
///
/// - Throws: `ModelError.invalid` if it is not within `-rank ..< rank`.
func normalizedAxis(_ axis: Int, rank: Int, name: String = "axis") throws(ModelError) -> Int {
  guard axis >= -rank, axis < rank else { throw .invalid("\(name) \(axis) is out of range for rank \(rank)") }
  return axis < 0 ? axis + rank : axis
}

/// - Throws: `ModelError.invalid` if sums and products with one of the numbers might overflow.
func requireBelow(powerOfTwo bits: Int, _ numbers: [Int], _ what: String) throws(ModelError) {
  guard numbers.allSatisfy({ $0.magnitude < 1 << bits }) else { throw .invalid("\(what) must be below 2^\(bits)") }
}

extension GraphBuilder {
  /// The elements of an argument that must be known at compile time as integers, symbols included.
  ///
  /// - Throws: `ModelError.unsupported` if they are not known.
  func requireIntegers(_ value: ValueID, _ what: String) throws(ModelError) -> [Dim] {
    guard type(of: value).element.isInteger || type(of: value).element == .bool else {
      throw .invalid("\(what) must be integers, not \(type(of: value).element.rawValue)")
    }
    guard let known = knownIntegers(value) else {
      throw .unsupported("\(what) is computed at run time", hint: "make it a constant, or bind dimensions with --dim")
    }
    return known
  }

  /// The elements of an argument that must be constant integers.
  func requireConstantIntegers(_ value: ValueID, _ what: String) throws(ModelError) -> [Int] {
    guard let constants = try requireIntegers(value, what).constants else {
      throw .unsupported("\(what) depends on symbolic dimensions", hint: "bind them with --dim")
    }
    return constants
  }

  /// The elements of an argument that must be constant numbers.
  func requireNumbers(_ value: ValueID, _ what: String) throws(ModelError) -> [Double] {
    if let constant = constantValue(value), constant.type.element != .string { return constant.doubles }
    throw .unsupported("\(what) is computed at run time", hint: "make it a constant")
  }

  /// Checks the element type of an argument.
  func require(_ value: ValueID, _ what: String, isOneOf elements: ElementType...) throws(ModelError) {
    let element = type(of: value).element
    guard elements.contains(element) else {
      let names = elements.map(\.rawValue).joined(separator: ", ")
      throw .invalid("\(what) is \(element.rawValue), which is not one of \(names)")
    }
  }

  /// Checks that an argument is a float tensor.
  func requireFloat(_ value: ValueID, _ what: String = "the argument") throws(ModelError) {
    let element = type(of: value).element
    guard element.isFloat else { throw .invalid("\(what) is \(element.rawValue), which is not a float type") }
  }

  /// Checks that an argument has a shape, at run time where extents are symbolic.
  mutating func requireShape(_ value: ValueID, _ expected: [Dim], _ what: String) throws(ModelError) {
    let shape = shape(of: value)
    guard shape.count == expected.count else { throw .invalid("\(what) has shape \(shape), not \(expected)") }
    for (own, other) in zip(shape, expected) {
      try requireEqual(own, other, "\(what) has shape \(shape), not \(expected)")
    }
  }

  /// Checks that an argument broadcasts to a shape without changing it.
  mutating func requireBroadcast(_ value: ValueID, to shape: [Dim], _ what: String) throws(ModelError) {
    let own = self.shape(of: value)
    let result = try broadcast([shape, own])
    let message = "\(what) has shape \(own), which does not broadcast to \(shape)"
    guard result.count == shape.count else { throw .invalid(message) }
    for (extent, expected) in zip(result, shape) { try requireEqual(extent, expected, message) }
  }

  /// A constant extent.
  ///
  /// - Throws: `ModelError.unsupported` if it is symbolic.
  func requireConstant(_ extent: Dim, _ what: String) throws(ModelError) -> Int {
    if let constant = extent.constant { return constant }
    throw .unsupported("\(what) is \(extent), which only a call knows", hint: "bind it with --dim")
  }

  /// Checks that two arguments have the same element type.
  func requireSameType(_ values: [ValueID]) throws(ModelError) {
    guard let first = values.first else { return }
    for value in values where type(of: value).element != type(of: first).element {
      throw .invalid(
        "element types differ: \(type(of: first).element.rawValue) and \(type(of: value).element.rawValue)")
    }
  }
}
