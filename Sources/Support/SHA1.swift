/// The SHA-1 digest of `bytes` in hexadecimal (FIPS 180-4), with which ONNX files identify external data.
public func sha1(_ bytes: Bytes) -> String {
  var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
  var tail = bytes[bytes.count / 64 * 64..<bytes.count].array + [0x80]
  tail += [UInt8](repeating: 0, count: (120 - tail.count % 64) % 64)
  for shift in stride(from: 56, through: 0, by: -8) {
    tail.append(UInt8(truncatingIfNeeded: UInt64(bytes.count * 8) >> UInt64(shift)))
  }
  bytes.withUnsafeBytes { whole in
    for block in 0..<whole.count / 64 { absorb(UnsafeRawBufferPointer(rebasing: whole[block * 64..<block * 64 + 64])) }
  }
  tail.withUnsafeBytes { whole in
    for block in 0..<whole.count / 64 { absorb(UnsafeRawBufferPointer(rebasing: whole[block * 64..<block * 64 + 64])) }
  }
  return state.map { word in
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }.joined()

  func absorb(_ block: UnsafeRawBufferPointer) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { words in
      for index in 0..<16 {
        words[index] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      }
      for index in 16..<80 {
        words[index] = rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
      }
      var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
      for index in 0..<80 {
        let (mix, constant): (UInt32, UInt32) =
          switch index {
          case 0..<20: (b & c | ~b & d, 0x5a82_7999)
          case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
          case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
          case _: (b ^ c ^ d, 0xca62_c1d6)
          }
        let next = rotated(a, 5) &+ mix &+ e &+ constant &+ words[index]
        (a, b, c, d, e) = (next, a, rotated(b, 30), c, d)
      }
      for (index, word) in [a, b, c, d, e].enumerated() { state[index] &+= word }
    }
  }
}

private func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
