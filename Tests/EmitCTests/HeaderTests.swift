import EmitC
import LoopIRCases
import Support
import Testing

/// The descriptor's C types stand in every generated header and in the header that the compiler itself imports.
@Suite struct HeaderTests {
  @Test func declaresTheDescriptorThatTheCompilerImports() throws {
    let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let own = try InputFile.text(path: root + "/Sources/CModelABI/include/onnxc_model.h")
    let program = try #require(programCases.first).program
    let header = try emitC(program, options: COptions(prefix: program.prefix)).header
    let start = "typedef struct onnxc_tensor {"
    let end = "} onnxc_model;"
    func declarations(_ text: String) throws -> [Substring] {
      let lines = text.split(separator: "\n")
      let first = try #require(lines.firstIndex { $0 == start })
      let last = try #require(lines.firstIndex { $0 == end })
      return Array(lines[first...last])
    }
    #expect(try declarations(header) == declarations(own))
  }
}
