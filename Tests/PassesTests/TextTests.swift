import Glibc
import Support
import TensorIR
import Testing

@testable import Passes

private let folder = String(#filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }) + "/Texts"

/// The names of the texts, found in their folder.
private let texts: [String] = {
  guard let entries = opendir(folder) else { return [] }
  defer { closedir(entries) }
  var names: [String] = []
  while let entry = readdir(entries) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name.hasSuffix(".txt") { names.append(String(name.dropLast(4))) }
  }
  return names.sorted()
}()

@Suite("Texts of passes")
struct TextTests {
  /// Each text has the name of a pass, a graph and, after a line of dashes, what the pass makes of it. `ONNXC_BLESS=1` writes that.
  @Test("input gives output", arguments: texts)
  func text(_ name: String) throws {
    let path = "\(folder)/\(name).txt"
    let text = try InputFile.text(path: path)
    let lines = text.split(separator: "\n")
    let first = try #require(lines.first)
    let divider = try #require(lines.firstIndex(of: "---"))
    let pass = try #require(tensorPasses.first { $0.name == first }, "there is no pass \(first)")
    let input = try Graph(parsing: lines[1..<divider].joined(separator: "\n"))
    let output = pass.run(input)
    try verify(output)
    let expected = lines[...divider].joined(separator: "\n") + "\n\(output)\n"
    if getenv("ONNXC_BLESS") != nil {
      try AtomicFile.write(expected, path: path)
    } else {
      #expect(text == expected, "\(name) differs; after a look at the difference, run make bless")
    }
    let data = try input.inputs.enumerated().map { seed, value in
      numbers(try #require(input.shape(of: value).constants), seed: seed, input.type(of: value).element)
    }
    #expect(try evaluate(output, data) == evaluate(input, data))
  }

  @Test("every pass has a text, but for those whose constants would fill it") func coverage() {
    let untold = ["narrow-factors", "read-through-again", "winograd", "split-factors", "split-terms", "integer-products"]
    for pass in tensorPasses where !untold.contains(pass.name) {
      #expect(texts.contains { $0 == pass.name }, "\(pass.name)")
    }
  }
}
