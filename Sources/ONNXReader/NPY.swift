import Support

/// Files of NumPy's `.npy` format.
public enum NPY {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Element types by NumPy's type code, without the byte order.
  private static let codes: [(code: String, element: ElementType)] = [
    ("b1", .bool), ("i1", .i8), ("i2", .i16), ("i4", .i32), ("i8", .i64), ("u1", .u8), ("u2", .u16), ("u4", .u32),
    ("u8", .u64), ("f2", .f16), ("f4", .f32), ("f8", .f64), ("c8", .c64), ("c16", .c128),
  ]

  /// Reads the file at `path`.
  public static func load(path: String) throws(ModelError) -> TensorData {
    let bytes: Bytes
    do { bytes = try InputFile.bytes(path: path) } catch { throw .invalid(error.description) }
    do { return try decode(bytes) } catch { throw error.prefixed(path) }
  }

  /// Decodes a file: little-endian numbers or byte strings in row-major order.
  public static func decode(_ bytes: Bytes) throws(ModelError) -> TensorData {
    guard bytes.count >= 12, bytes[0..<6].array == magic, (1...3).contains(bytes[6]) else {
      throw .invalid("not a .npy file")
    }
    let wide = bytes[6] > 1
    let length = wide ? Int(bytes[8..<12].load(0, as: UInt32.self)) : Int(bytes[8..<10].load(0, as: UInt16.self))
    let start = (wide ? 12 : 10) + length
    guard start <= bytes.count else { throw .invalid("the .npy header is cut off") }
    let header = String(decoding: bytes[(wide ? 12 : 10)..<start].array, as: UTF8.self)
    guard let descr = field("descr", header)?.split(separator: "'").first,
      let order = field("fortran_order", header), let shape = field("shape", header)
    else { throw .invalid("the .npy header is malformed: \(header)") }
    let dims = shape.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }.split(separator: ",").map {
      Int($0.filter { $0 != " " })
    }
    var sizes: [Int] = []
    var count = 1
    for dim in dims {
      guard let dim, dim >= 0, case (let product, false) = count.multipliedReportingOverflow(by: dim) else {
        throw .invalid("the .npy header has a bad shape: \(header)")
      }
      sizes.append(dim)
      count = product
    }
    guard order.hasPrefix("False") || sizes.count < 2 else {
      throw .unsupported("the .npy file is in column-major order", hint: "save numpy.ascontiguousarray(x)")
    }
    guard !descr.hasPrefix(">") || descr.hasSuffix("1") else { throw .unsupported("the .npy file is big-endian") }
    return try elements(bytes[start..<bytes.count], code: String(descr.dropFirst()), sizes, count)
  }

  private static func elements(
    _ data: Bytes, code: String, _ dims: [Int], _ count: Int
  ) throws(ModelError) -> TensorData {
    let width: Int
    let element: ElementType
    if let known = codes.first(where: { $0.code == code }) {
      (element, width) = (known.element, known.element.bytes)
    } else if let length = Int(code.dropFirst()), length >= 0, length < 1 << 32, "SU".contains(code.prefix(1)) {
      (element, width) = (.string, code.hasPrefix("U") ? 4 * length : length)
    } else {
      throw .unsupported("the .npy file has elements of type '\(code)'")
    }
    guard case (let size, false) = count.multipliedReportingOverflow(by: width), size <= data.count else {
      throw .invalid("the .npy file of shape \(dims) is cut off")
    }
    guard element == .string else {
      return TensorData(element: element, dims: dims, bytes: PackedElements.unpacked(data[0..<size], count: count, element))
    }
    guard width > 0 || count <= data.count + 1 else { throw .invalid("the .npy file of shape \(dims) is cut off") }
    let strings = (0..<count).map { index in
      string(data[index * width..<(index + 1) * width], wide: code.hasPrefix("U"))
    }
    return TensorData(dims: dims, strings: strings)
  }

  private static func string(_ data: Bytes, wide: Bool) -> [UInt8] {
    guard wide else {
      let bytes = data.array
      return Array(bytes[..<((bytes.lastIndex { $0 != 0 } ?? -1) + 1)])
    }
    var text = String.UnicodeScalarView()
    for index in 0..<data.count / 4 {
      let code = data.load(index, as: UInt32.self)
      if code == 0 { break }
      text.append(Unicode.Scalar(code) ?? "\u{fffd}")
    }
    return Array(String(text).utf8)
  }

  /// The text after `'name':` in a header.
  private static func field(_ name: String, _ header: String) -> Substring? {
    let key = Array("'\(name)':".utf8)
    let text = Array(header.utf8)
    guard text.count >= key.count,
      let start = (0...text.count - key.count).first(where: { text[$0..<$0 + key.count].elementsEqual(key) })
    else { return nil }
    return String(decoding: text[(start + key.count)...], as: UTF8.self).drop { $0 == " " }
  }

  /// The file for a tensor; types that NumPy lacks are widened to 32-bit floats or 8-bit integers.
  public static func encode(_ tensor: TensorData) -> [UInt8] {
    let (code, data) = stored(tensor)
    let shape = tensor.dims.map(String.init).joined(separator: ", ") + (tensor.dims.count == 1 ? "," : "")
    var header = Array("{'descr': '\(code)', 'fortran_order': False, 'shape': (\(shape)), }".utf8)
    header += [UInt8](repeating: 0x20, count: 63 - (header.count + 10) % 64) + [0x0a]
    let length = [UInt8(truncatingIfNeeded: header.count), UInt8(truncatingIfNeeded: header.count >> 8)]
    return magic + [1, 0] + length + header + data
  }

  private static func stored(_ tensor: TensorData) -> (code: String, data: [UInt8]) {
    let element = tensor.element
    if element == .string {
      let width = max(1, tensor.strings.map(\.count).max() ?? 1)
      return ("|S\(width)", tensor.strings.flatMap { $0 + [UInt8](repeating: 0, count: width - $0.count) })
    }
    if let known = codes.first(where: { $0.element == element }) {
      return ((element.bytes == 1 ? "|" : "<") + known.code, tensor.bytes.array)
    }
    if element.isFloat {
      let widened = (tensor.doubles() ?? []).flatMap { number in
        withUnsafeBytes(of: Float(number).bitPattern.littleEndian) { Array($0) }
      }
      return ("<f4", widened)
    }
    return (element.isSignedInteger ? "|i1" : "|u1", tensor.bytes.array)
  }
}
