import CImages
import Glibc
import Testing

/// The folder of this file.
let testFolder = String(#filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 })

/// An encoded image, and what Pillow decodes it to.
struct StoredImage: Sendable, CustomTestStringConvertible {
  var name: String
  var width: Int
  var height: Int
  /// FNV-1a of the pixels as RGB and as grayscale.
  var colourHash: UInt64
  var grayHash: UInt64
  var bytes: [UInt8]

  var testDescription: String { name }

  /// The images of `images.txt`: a line with name, width, height and hashes, then the file in base 64.
  static let all: [StoredImage] = text(of: testFolder + "/images.txt").split(separator: "\n\n").map { entry in
    let lines = entry.split(separator: "\n")
    let words = lines[0].split(separator: " ")
    return StoredImage(
      name: String(words[0]), width: Int(words[1]) ?? 0, height: Int(words[2]) ?? 0,
      colourHash: UInt64(words[3], radix: 16) ?? 0, grayHash: UInt64(words[4], radix: 16) ?? 0,
      bytes: decoded(lines.dropFirst().joined()))
  }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var text: [UInt8] = []
    while case let byte = getc(file), byte != EOF { text.append(UInt8(byte)) }
    return String(decoding: text, as: UTF8.self)
  }

  private static func decoded(_ text: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bytes: [UInt8] = []
    var held: UInt32 = 0
    var count = 0
    for character in text.utf8 {
      guard let value = alphabet.firstIndex(of: character) else { break }
      held = held << 6 | UInt32(value)
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(count)))
    }
    return bytes
  }
}

/// A decoded image, or the status of the call that failed.
enum Decoded: Equatable {
  case image(width: Int, height: Int, pixels: [UInt8])
  case failed(Int32)
  /// Larger than tests of damaged images decode.
  case tooLarge
  /// Bytes outside of the given memory were written.
  case overran
}

/// Decodes with exactly the memory that is measured, and bytes behind it that must stay as they are.
func decode(_ bytes: [UInt8], format: Int, most: Int64 = .max) -> Decoded {
  let guarded = 64
  var count = Int64(bytes.count)
  var measures: [Int64] = [0, 0, 0]
  // A copy of its own, so that checkers of memory see its end.
  let encoded = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
  defer { encoded.deallocate() }
  _ = encoded.initialize(from: bytes)
  let measured = onnxc_image_measure(encoded.baseAddress, &count, &measures)
  guard measured == 0 else { return .failed(measured) }
  guard measures[0] * measures[1] <= most, measures[2] <= most else { return .tooLarge }
  let size = Int(measures[0] * measures[1]) * (format == 2 ? 1 : 3)
  var pixels = [UInt8](repeating: 0xa5, count: size + guarded)
  let work = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(measures[2]) + guarded, alignment: 16)
  defer { work.deallocate() }
  _ = work.initializeMemory(as: UInt8.self, repeating: 0xa5)
  let status = onnxc_image_decode(
    encoded.baseAddress, &count, &measures, Int64(format), &pixels, work.assumingMemoryBound(to: UInt8.self).baseAddress)
  guard pixels.suffix(guarded).allSatisfy({ $0 == 0xa5 }), work.suffix(guarded).allSatisfy({ $0 == 0xa5 }) else {
    return .overran
  }
  guard status == 0 else { return .failed(status) }
  return .image(width: Int(measures[1]), height: Int(measures[0]), pixels: Array(pixels.prefix(size)))
}

func hash(_ bytes: [UInt8]) -> UInt64 { bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
