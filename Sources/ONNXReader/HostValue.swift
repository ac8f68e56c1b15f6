import Support

/// A value of a graph input or output in memory, as test data and the command line use it.
public indirect enum HostValue: Hashable, Sendable {
  case tensor(TensorData)
  case sequence([HostValue])
  case optional(HostValue?)
  case map(HostMap)
}

/// Keys with their values, in file order.
public struct HostMap: Hashable, Sendable {
  /// A tensor of integers or strings of shape `[n]`.
  public var keys: TensorData
  /// The value for each key.
  public var values: [HostValue]

  public init(keys: TensorData, values: [HostValue]) {
    self.keys = keys
    self.values = values
  }
}

extension HostValue {
  /// A short description of the type, such as `f32[2,3]`.
  public var typeDescription: String {
    switch self {
    case .tensor(let tensor): tensor.element.rawValue + "[" + tensor.dims.map(String.init).joined(separator: ",") + "]"
    case .sequence(let items): "sequence of \(items.count)"
    case .optional(let value): value.map { "optional \($0.typeDescription)" } ?? "empty optional"
    case .map(let map): "map of \(map.values.count)"
    }
  }

  /// The declared type that a value of this kind has, with fixed dimensions.
  public var type: TypeDef {
    switch self {
    case .tensor(let tensor): .tensor(tensor.element, tensor.dims.map(DimDef.value))
    case .sequence(let items): .sequence(items.first?.type ?? .tensor(.f32, nil))
    case .optional(let value): .optional(value?.type ?? .tensor(.f32, nil))
    case .map(let map): .map(key: map.keys.element, value: map.values.first?.type ?? .tensor(.f32, nil))
    }
  }
}
