import Support

/// One dimension of a declared shape.
public enum DimDef: Hashable, Sendable {
  /// A fixed size.
  case value(Int)
  /// A size named by the model, equal wherever the name occurs.
  case param(String)
  case unknown
}

/// The declared type of a graph input, output or intermediate value.
public indirect enum TypeDef: Hashable, Sendable {
  /// A dense tensor; `nil` dimensions mean an unknown rank.
  case tensor(ElementType, [DimDef]?)
  /// A sparse tensor; `nil` dimensions mean an unknown rank.
  case sparse(ElementType, [DimDef]?)
  case sequence(TypeDef)
  case optional(TypeDef)
  case map(key: ElementType, value: TypeDef)
  case opaque(domain: String, name: String)
}

extension DimDef: CustomStringConvertible {
  public var description: String {
    switch self {
    case .value(let size): "\(size)"
    case .param(let name): name
    case .unknown: "?"
    }
  }
}

extension TypeDef: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tensor(let element, let dims): element.rawValue + shape(dims)
    case .sparse(let element, let dims): "sparse " + element.rawValue + shape(dims)
    case .sequence(let element): "sequence(\(element))"
    case .optional(let element): "optional(\(element))"
    case .map(let key, let value): "map(\(key.rawValue), \(value))"
    case .opaque(let domain, let name): "opaque(\(domain).\(name))"
    }
  }

  private func shape(_ dims: [DimDef]?) -> String {
    guard let dims else { return "[…]" }
    return "[" + dims.map(\.description).joined(separator: ",") + "]"
  }
}
