import Support

/// The signature of an operator that a C function computes: how types and shapes of results follow from arguments.
struct CustomOperatorRule: Hashable, Sendable {
  /// An element type, or a name for one.
  enum Element: Hashable, Sendable {
    case fixed(ElementType)
    case variable(String)
  }

  /// A dimension as a function of the names of other dimensions and of attributes.
  indirect enum Extent: Hashable, Sendable {
    case number(Int)
    case name(String)
    /// An element of a list attribute.
    case element(String, Int)
    case sum(Extent, Extent)
    case difference(Extent, Extent)
    case product(Extent, Extent)
    case quotient(Extent, Extent)
  }

  enum Axis: Hashable, Sendable {
    case single(Extent)
    /// The dimensions that a name stands for.
    case rest(String)
  }

  struct Tensor: Hashable, Sendable {
    var name: String
    var isOptional = false
    var element: Element
    var axes: [Axis]

    /// Whether the number of dimensions is not fixed.
    var hasOpenRank: Bool { axes.contains { if case .rest = $0 { true } else { false } } }
  }

  enum AttributeKind: String, Hashable, Sendable, CaseIterable {
    case int, float, string, ints, floats
  }

  enum AttributeDefault: Hashable, Sendable {
    case integers([Int])
    case floats([Float])
    case text(String)
  }

  struct Attribute: Hashable, Sendable {
    var name: String
    var kind: AttributeKind
    var fallback: AttributeDefault?
  }

  var domain: String
  var name: String
  var inputs: [Tensor] = []
  var attributes: [Attribute] = []
  var outputs: [Tensor] = []

  /// The C function's name, types aside.
  var functionName: String { "\(domain)_\(name)".cIdentifier }

  /// The names that stand for element types, in order.
  var typeVariables: [String] {
    var names: [String] = []
    for tensor in inputs {
      if case .variable(let name) = tensor.element, !names.contains(name) { names.append(name) }
    }
    return names
  }
}

extension String {
  /// The text with underscores for what C identifiers cannot have.
  fileprivate var cIdentifier: String {
    let text = String(map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    return text.first?.isNumber == true ? "_" + text : text
  }
}

extension CustomOperatorRule: CustomStringConvertible {
  /// The rule as users write it.
  var description: String { text { element in element } }

  /// The rule with element types in place of the names that stand for them.
  func text(_ types: [String: ElementType]) -> String {
    text { element in
      guard case .variable(let name) = element, let type = types[name] else { return element }
      return .fixed(type)
    }
  }

  private func text(_ resolve: (Element) -> Element) -> String {
    func list(_ tensors: [Tensor]) -> String {
      tensors.map { tensor in
        var copy = tensor
        copy.element = resolve(tensor.element)
        return copy.description
      }.joined(separator: ", ")
    }
    let parameters = attributes.isEmpty ? "" : "; " + attributes.map(\.description).joined(separator: ", ")
    return "\(domain.quotedDomain)::\(name)(\(list(inputs))\(parameters)) -> \(list(outputs))"
  }
}

extension CustomOperatorRule.Tensor: CustomStringConvertible {
  var description: String {
    let type: String =
      switch element {
      case .fixed(let element): element.rawValue
      case .variable(let name): name
      }
    return "\(isOptional ? "optional " : "")\(name): \(type)[\(axes.map(\.description).joined(separator: ", "))]"
  }
}

extension CustomOperatorRule.Axis: CustomStringConvertible {
  var description: String {
    switch self {
    case .single(let extent): extent.description
    case .rest(let name): "..\(name)"
    }
  }
}

extension CustomOperatorRule.Extent: CustomStringConvertible {
  var description: String {
    switch self {
    case .number(let value): "\(value)"
    case .name(let name): name
    case .element(let name, let index): "\(name)[\(index)]"
    case .sum(let a, let b): "\(a) + \(b)"
    case .difference(let a, let b): "\(a) - \(b.asFactor)"
    case .product(let a, let b): "\(a.asFactor) * \(b.asFactor)"
    case .quotient(let a, let b): "\(a.asFactor) / \(b.asFactor)"
    }
  }

  private var asFactor: String {
    switch self {
    case .number, .name, .element: description
    case .sum, .difference, .product, .quotient: "(\(self))"
    }
  }
}

extension CustomOperatorRule.Attribute: CustomStringConvertible {
  var description: String {
    let value: String
    switch fallback {
    case nil: value = ""
    case .integers(let values): value = kind == .int ? " = \(values[0])" : " = [\(values.text)]"
    case .floats(let values): value = kind == .float ? " = \(values[0])" : " = [\(values.text)]"
    case .text(let text): value = " = \(text.quoted)"
    }
    return "\(name): \(kind.rawValue)\(value)"
  }
}

extension Array where Element: CustomStringConvertible {
  fileprivate var text: String { map(\.description).joined(separator: ", ") }
}
