import Support
import Testing

struct ZipArchiveTests {
  @Test func storesFiles() throws {
    var archive = ZipArchive()
    try archive.add("a.txt", Array("123456789".utf8))
    try archive.add("b", [])
    let bytes = archive.finished()
    #expect(Array(bytes[0..<4]) == [0x50, 0x4b, 3, 4])
    // The checksum of these digits is the standard check value of CRC-32.
    #expect(Array(bytes[14..<18]) == [0x26, 0x39, 0xf4, 0xcb])
    #expect(Array(bytes[30..<44]) == Array("a.txt123456789".utf8))
    let end = Array(bytes.suffix(22))
    #expect(Array(end[0..<4]) == [0x50, 0x4b, 5, 6])
    #expect(end[10] == 2)
    let directory = Int(end[16]) | Int(end[17]) << 8
    #expect(Array(bytes[directory..<directory + 4]) == [0x50, 0x4b, 1, 2])
  }
}

struct NumberFormatTests {
  @Test func fixesDecimals() {
    #expect(fixed(1.2345, decimals: 2) == "1.23")
    #expect(fixed(-0.004, decimals: 2) == "0.00")
    #expect(fixed(-12.5, decimals: 1) == "-12.5")
    #expect(fixed(3, decimals: 0) == "3")
  }
}
