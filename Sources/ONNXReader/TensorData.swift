import Support

/// A literal tensor: type, shape and elements.
public struct TensorData: Hashable, Sendable {
  public var name: String
  public var element: ElementType
  public var dims: [Int]
  /// The elements in row-major order, little-endian, each in `element.bytes` bytes; narrow integers are sign-extended.
  /// Empty for strings.
  public var bytes: Bytes
  /// The elements of a string tensor; empty for the other types.
  public var strings: [[UInt8]]

  /// A tensor of numbers; `bytes` must hold exactly the elements of `dims`.
  public init(name: String = "", element: ElementType, dims: [Int], bytes: Bytes) {
    precondition(bytes.count == dims.reduce(1, *) * element.bytes, "\(bytes.count) bytes for \(element)\(dims)")
    self.name = name
    self.element = element
    self.dims = dims
    self.bytes = bytes
    self.strings = []
  }

  /// A tensor of strings, one for each element of `dims`.
  public init(name: String = "", dims: [Int], strings: [[UInt8]]) {
    precondition(strings.count == dims.reduce(1, *), "\(strings.count) strings for \(dims)")
    self.name = name
    self.element = .string
    self.dims = dims
    self.bytes = Bytes()
    self.strings = strings
  }

  /// The number of elements.
  public var count: Int { dims.reduce(1, *) }
}

/// A literal sparse tensor in coordinate form.
public struct SparseTensorData: Hashable, Sendable {
  /// The values that are not zero, of shape `[n]`; its name is the name of the whole.
  public var values: TensorData
  /// Linear indices of shape `[n]` or coordinates of shape `[n, rank]`, both i64.
  public var indices: TensorData
  public var dims: [Int]

  /// The same elements as a dense tensor, with zeros in between; `nil` for strings, for more than 2^40 bytes and for
  /// indices out of range.
  public func dense() -> TensorData? {
    var size = values.element.bytes
    for dim in dims {
      let (product, overflow) = size.multipliedReportingOverflow(by: dim)
      guard !overflow, product <= 1 << 40 else { return nil }
      size = product
    }
    guard size > 0 || dims.contains(0), let positions = linearIndices() else { return nil }
    let width = values.element.bytes
    let bytes = Bytes(count: size) { target in
      values.bytes.withUnsafeBytes { source in
        for (k, position) in positions.enumerated() {
          for byte in 0..<width { target[position * width + byte] = source[k * width + byte] }
        }
      }
    }
    return TensorData(name: values.name, element: values.element, dims: dims, bytes: bytes)
  }

  /// Row-major positions of the values; `nil` when one lies outside the tensor.
  private func linearIndices() -> [Int]? {
    let total = dims.reduce(1, *)
    var positions: [Int] = []
    for k in 0..<values.count {
      var position = 0
      if indices.dims.count == 2 {
        for (axis, dim) in dims.enumerated() {
          let index = indices.bytes.load(k * dims.count + axis, as: Int.self)
          guard index >= 0, index < dim else { return nil }
          position = position * dim + index
        }
      } else {
        position = indices.bytes.load(k, as: Int.self)
      }
      guard position >= 0, position < total else { return nil }
      positions.append(position)
    }
    return positions
  }
}
