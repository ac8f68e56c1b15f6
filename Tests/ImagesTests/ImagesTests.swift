import CImages
import Glibc
import Testing

@Suite struct ImagesTests {
  @Test func thereAreImages() { #expect(StoredImage.all.count == 61) }

  @Test(arguments: StoredImage.all) func pixelsAreThoseOfPillow(_ image: StoredImage) throws {
    guard case .image(let width, let height, let colours) = decode(image.bytes, format: 0) else {
      Issue.record("\(image.name) is not decoded")
      return
    }
    #expect(width == image.width && height == image.height)
    #expect(hash(colours) == image.colourHash)
    let swapped = colours.indices.map { colours[$0 / 3 * 3 + 2 - $0 % 3] }
    #expect(decode(image.bytes, format: 1) == .image(width: width, height: height, pixels: swapped))
    guard case .image(_, _, let grays) = decode(image.bytes, format: 2) else {
      Issue.record("\(image.name) is not decoded to grayscale")
      return
    }
    #expect(hash(grays) == image.grayHash)
  }

  @Test(arguments: StoredImage.all) func truncatedImagesFail(_ image: StoredImage) {
    for length in 0..<image.bytes.count {
      let result = decode(Array(image.bytes.prefix(length)), format: length % 3)
      #expect(result != .overran)
      // The first frame of an animation may be whole.
      if length <= image.bytes.count / 2, image.name != "webp-animation" {
        guard case .failed = result else {
          Issue.record("\(length) bytes of \(image.name) are decoded")
          return
        }
      }
    }
  }

  @Test(arguments: StoredImage.all) func damagedImagesStayInTheirMemory(_ image: StoredImage) {
    var state: UInt64 = 1
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for turn in 0..<300 {
      var bytes = image.bytes
      for _ in 0...random(4) {
        let place = random(random(3) == 0 ? min(64, bytes.count) : bytes.count)
        bytes[place] = random(2) == 0 ? UInt8(random(256)) : bytes[place] ^ UInt8(1 << random(8))
      }
      #expect(decode(bytes, format: turn % 3, most: 1 << 20) != .overran)
    }
  }

  /// A step away from a deflated image's data is found by its checksums.
  @Test func damagedDataAreFound() throws {
    let image = try #require(StoredImage.all.first { $0.name == "png-RGB" })
    for place in 41..<image.bytes.count - 12 {
      var bytes = image.bytes
      bytes[place] ^= 1
      guard case .failed = decode(bytes, format: 0) else {
        Issue.record("byte \(place)")
        return
      }
    }
  }

  @Test func otherBytesAreNoImage() {
    for text in ["", "B", "BM", "GIF89a", "P7\n", "RIFF0000WAVE", "\u{0}\u{0}\u{0}\u{0}"] {
      #expect(decode(Array(text.utf8), format: 0) != .overran)
      guard case .failed = decode(Array(text.utf8), format: 0) else {
        Issue.record("\(text) is decoded")
        return
      }
    }
  }

  @Test func measuresMustBeThoseOfTheImage() throws {
    let image = try #require(StoredImage.all.first)
    var count = Int64(image.bytes.count)
    var measures: [Int64] = [Int64(image.height), Int64(image.width) + 1, 16]
    var room = [UInt8](repeating: 0, count: 16)
    var work = room
    #expect(onnxc_image_decode(image.bytes, &count, &measures, 0, &room, &work) != 0)
  }

  /// The files compile as strict C99, and need nothing but what compilers themselves ask for.
  @Test func sourcesAreStrictAndAlone() throws {
    let sources = testFolder + "/../../Runtime/images"
    let script = """
      folder=$(mktemp -d) && cd \(sources) && for file in *.c; do
        cc -std=c99 -O2 -Wall -Wextra -Wconversion -pedantic -Werror -c $file -o $folder/${file%.c}.o || echo "$file fails"
      done; ld -r $folder/*.o -o $folder/all.o && nm -u $folder/all.o | awk '{print $2}' | sort | tr '\\n' ' '; rm -r $folder
      """
    let needed = Set(run(script).split(separator: " ").map(String.init))
    #expect(needed.isSubset(of: ["memcmp", "memcpy", "memmove", "memset", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"]))
    #expect(needed.contains("memcpy"))
  }

  private func run(_ script: String) -> String {
    guard let pipe = popen("(" + script + ") 2>&1", "r") else { return "" }
    defer { pclose(pipe) }
    var output: [UInt8] = []
    while case let byte = getc(pipe), byte != EOF { output.append(UInt8(byte)) }
    return String(decoding: output, as: UTF8.self)
  }
}
