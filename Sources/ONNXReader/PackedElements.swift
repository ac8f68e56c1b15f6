import Support

/// The dense storage of elements narrower than a byte, and of booleans.
enum PackedElements {
  /// The bytes that `count` elements take in a file.
  static func storedBytes(count: Int, _ element: ElementType) -> Int {
    element.bits < 8 ? (count * element.bits + 7) / 8 : count * element.bytes
  }

  /// One element for each `element.bytes` bytes, from the form in a file.
  static func unpacked(_ stored: Bytes, count: Int, _ element: ElementType) -> Bytes {
    if element == .bool { return normalized(stored) }
    guard element.bits < 8 else { return stored }
    let perByte = 8 / element.bits
    return Bytes(count: count) { target in
      stored.withUnsafeBytes { source in
        for index in 0..<count {
          let field = source[index / perByte] >> UInt8(index % perByte * element.bits)
          target[index] = extended(field, element)
        }
      }
    }
  }

  /// The form in a file of unpacked elements.
  static func packed(_ elements: Bytes, count: Int, _ element: ElementType) -> Bytes {
    guard element.bits < 8 else { return elements }
    let perByte = 8 / element.bits
    let mask = UInt8(1 << element.bits - 1)
    return Bytes(count: storedBytes(count: count, element)) { target in
      for index in 0..<count {
        target[index / perByte] |= (elements[index] & mask) << UInt8(index % perByte * element.bits)
      }
    }
  }

  private static func extended(_ field: UInt8, _ element: ElementType) -> UInt8 {
    let shift = UInt8(8 - element.bits)
    return element.isSignedInteger
      ? UInt8(bitPattern: Int8(bitPattern: field << shift) >> Int8(shift)) : (field << shift) >> shift
  }

  /// Booleans as 0 and 1; other bytes count as true.
  private static func normalized(_ stored: Bytes) -> Bytes {
    let clean = stored.withUnsafeBytes { $0.allSatisfy { $0 <= 1 } }
    if clean { return stored }
    return Bytes(count: stored.count) { target in
      for index in 0..<stored.count { target[index] = stored[index] == 0 ? 0 : 1 }
    }
  }
}
