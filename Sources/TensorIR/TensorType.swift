import Support

/// Element type and extents of a tensor value.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  public var element: ElementType
  public var shape: [Dim]

  public init(_ element: ElementType, _ shape: [Dim]) {
    self.element = element
    self.shape = shape
  }

  public var rank: Int { shape.count }

  public var description: String { "\(element.rawValue)[\(shape.map(\.description).joined(separator: ", "))]" }
}
