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

  /// Tensors may not take more bytes than this.
  public static let byteLimit = 1 << 40

  /// Whether no constant extent is negative, and the constant ones with the least that others may be stay within the byte limit.
  public var hasValidSize: Bool {
    let known = shape.compactMap { $0.constant ?? Swift.max(1, $0.lowerBound ?? 1) }
    guard known.allSatisfy({ $0 >= 0 }) else { return false }
    if known.contains(0) { return known.allSatisfy { $0 <= TensorType.byteLimit } }
    var bytes = Swift.max(1, element.bytes)
    for extent in known {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= TensorType.byteLimit else { return false }
      bytes = product
    }
    return true
  }

  public var description: String { "\(element.rawValue)[\(shape.map(\.description).joined(separator: ", "))]" }
}
