import Support
import Testing

struct JSONTests {
  @Test func roundTrips() throws {
    let text = #"{"a": [1, -2.5, true, null, "x\"\n\\"], "b": {}, "c": 1e-07}"#
    #expect(try JSON(parsing: text).description == text)
    #expect(try JSON(parsing: " [ ] ").description == "[]")
    #expect(try JSON(parsing: #""\u00e9\ud83d\ude00\t""#) == .string("é😀\t"))
    #expect(try JSON(parsing: #"{"k": 3}"#)["k"]?.double == 3)
    #expect(JSON.number(.nan).description == "null")
    #expect(JSON.string("\u{1}").description == #""\u0001""#)
  }

  @Test(arguments: [
    "", "{", "[1,", "[1 2]", "{\"a\" 1}", "tru", "\"", "\"\\x\"", "\"\\ud800\"", "1 2", "--", "{a: 1}", "\"\n\"",
  ])
  func refuses(_ text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test func refusesDeepNesting() {
    #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
  }
}
