/// An uncompressed zip archive that is built in memory, as `.npz` files are.
public struct ZipArchive {
  private var output: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0
  private let table: [UInt32]

  /// An archive without files.
  public init() {
    table = (0..<256).map { index in
      (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
  }

  /// Appends a file; names and the whole archive stay below the format's 64 KiB and 4 GiB.
  public mutating func add(_ name: String, _ contents: [UInt8]) throws(FileError) {
    let position = output.count
    guard position + contents.count + name.utf8.count < 0xffff_0000, name.utf8.count < 0xffff, count < 0xfffe else {
      throw FileError("the archive is too large for the zip format")
    }
    var entry: [UInt8] = []
    append(20, 2, to: &entry)  // version needed to extract
    append(0, 2, to: &entry)  // flags
    append(0, 2, to: &entry)  // stored
    append(0, 2, to: &entry)  // time
    append(0x21, 2, to: &entry)  // 1 January 1980
    append(Int(checksum(contents)), 4, to: &entry)
    append(contents.count, 4, to: &entry)
    append(contents.count, 4, to: &entry)
    append(name.utf8.count, 2, to: &entry)
    append(0, 2, to: &entry)  // extra field

    append(0x0403_4b50, 4, to: &output)
    output += entry
    output += Array(name.utf8)
    output += contents

    append(0x0201_4b50, 4, to: &directory)
    append(20, 2, to: &directory)  // version made by
    directory += entry
    for _ in 0..<3 { append(0, 2, to: &directory) }  // comment, disk, internal attributes
    append(0, 4, to: &directory)  // external attributes
    append(position, 4, to: &directory)
    directory += Array(name.utf8)
    count += 1
  }

  /// The whole archive.
  public func finished() -> [UInt8] {
    var result = output + directory
    append(0x0605_4b50, 4, to: &result)
    append(0, 4, to: &result)  // disks
    append(count, 2, to: &result)
    append(count, 2, to: &result)
    append(directory.count, 4, to: &result)
    append(output.count, 4, to: &result)
    append(0, 2, to: &result)  // comment
    return result
  }

  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
  }

  private func append(_ value: Int, _ width: Int, to bytes: inout [UInt8]) {
    for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
  }
}
