import Support
import Testing

struct SHA1Tests {
  /// The examples of FIPS 180, and lengths around the padding's limits.
  @Test func digests() {
    #expect(sha1(Bytes(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(sha1(Bytes()) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    let text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(sha1(Bytes(Array(text.utf8))) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    let million = Bytes([UInt8](repeating: 0x61, count: 1_000_000))
    #expect(sha1(million) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  }
}
