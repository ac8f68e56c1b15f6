import CONNXProto
import Support

/// The repeated field of a serialized tensor that holds elements of some type when they are not raw bytes.
struct TypedField {
  private enum Kind { case float, int32, int64, uint64, double }

  private let kind: Kind
  private let name: String
  /// The numbers that the field holds.
  let count: Int

  /// The field of `proto` for `element`, which is not a string.
  init(_ proto: UnsafeMutablePointer<Onnx__TensorProto>, _ element: ElementType) {
    switch element {
    case .f32, .c64: (kind, name, count) = (.float, "float_data", proto.pointee.n_float_data)
    case .f64, .c128: (kind, name, count) = (.double, "double_data", proto.pointee.n_double_data)
    case .i64: (kind, name, count) = (.int64, "int64_data", proto.pointee.n_int64_data)
    case .u32, .u64: (kind, name, count) = (.uint64, "uint64_data", proto.pointee.n_uint64_data)
    case .bool, .i2, .i4, .i8, .i16, .i32, .u2, .u4, .u8, .u16, .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
      .f8e5m2fnuz, .f8e8m0:
      (kind, name, count) = (.int32, "int32_data", proto.pointee.n_int32_data)
    case .string: fatalError("strings are not stored as numbers")
    }
  }

  /// The unpacked elements, taking over the field's memory where the layout is already right.
  func elements(
    of proto: UnsafeMutablePointer<Onnx__TensorProto>, count elements: Int, _ element: ElementType, culprit: String
  ) throws(ModelError) -> Bytes {
    let needed =
      switch element {
      case .c64, .c128: elements * 2
      case _ where element.bits < 8: PackedElements.storedBytes(count: elements, element)
      case _: elements
      }
    guard count == needed else {
      throw .invalid("\(culprit) has \(count) numbers in \(name) instead of \(needed)")
    }
    guard count > 0 else { return Bytes() }
    switch kind {
    case .float: return taken(&proto.pointee.float_data)
    case .double: return taken(&proto.pointee.double_data)
    case .int64: return taken(&proto.pointee.int64_data)
    case .uint64:
      if element == .u64 { return taken(&proto.pointee.uint64_data) }
      return try narrowed(proto.pointee.uint64_data, to: UInt32.self, culprit: culprit)
    case .int32:
      if element == .i32 { return taken(&proto.pointee.int32_data) }
      let source = proto.pointee.int32_data
      if element.bytes == 2 {
        return element == .i16
          ? try narrowed(source, to: Int16.self, culprit: culprit)
          : try narrowed(source, to: UInt16.self, culprit: culprit)
      }
      let stored =
        element == .i8 || element.bits < 8 && (0..<count).contains { (source?[$0] ?? 0) < 0 }
        ? try narrowed(source, to: Int8.self, culprit: culprit)
        : try narrowed(source, to: UInt8.self, culprit: culprit)
      return PackedElements.unpacked(stored, count: elements, element)
    }
  }

  private func taken<T>(_ field: inout UnsafeMutablePointer<T>?) -> Bytes {
    guard let start = field else { return Bytes() }
    field = nil
    return Bytes(takingMalloc: start, count: count * MemoryLayout<T>.size)
  }

  private func narrowed<Wide: FixedWidthInteger, Narrow: FixedWidthInteger>(
    _ source: UnsafeMutablePointer<Wide>?, to type: Narrow.Type, culprit: String
  ) throws(ModelError) -> Bytes {
    let source = numbers(count, source)
    if let value = source.first(where: { Narrow(exactly: $0) == nil }) {
      throw .invalid("\(culprit) holds \(value) in \(name), which is out of range")
    }
    return Bytes(count: count * MemoryLayout<Narrow>.size) { target in
      let typed = target.bindMemory(to: Narrow.self)
      for (index, value) in source.enumerated() { typed[index] = Narrow(truncatingIfNeeded: value) }
    }
  }
}
