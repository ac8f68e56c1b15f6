import Support
import Testing

@Suite struct OutputFileTests {
  @Test func knowsWhereThereIsNoRoom() throws {
    for path in ["/tmp/file", "file"] {
      try OutputFile.requireRoom(for: 0, at: path)
      #expect(throws: FileError.self) { try OutputFile.requireRoom(for: .max, at: path) }
    }
    // What opens the file tells what is wrong with its folder.
    try OutputFile.requireRoom(for: .max, at: "/no such folder/file")
  }
}
