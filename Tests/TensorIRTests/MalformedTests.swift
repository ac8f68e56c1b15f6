import Support
import TensorIR
import Testing

/// A wrong text and the error that it gives.
struct Malformed: Sendable, CustomTestStringConvertible {
  var text: String
  var error: String
  var testDescription: String { error }

  init(_ text: String, _ error: String) { (self.text, self.error) = (text, error) }
}

private let malformed = [
  Malformed("", "1:1: '%' expected, not the end"),
  Malformed("return %0", "1:8: %0 is not defined"),
  Malformed("%0 = input f32[-2]\nreturn %0", "1:12: f32[-2] is too large or negative"),
  Malformed("%0 = input f32[2]\n%0 = input f32[2]\nreturn %0", "2:1: %0 is defined twice"),
  Malformed("%1 = input f32[2]\nreturn %1", "1:1: %0 is not defined, but later values are"),
  Malformed("%0 = input g32[2]", "1:12: an element type expected, not 'g32'"),
  Malformed("%0 = constant <1, 2> : f32[3]\nreturn", "1:15: f32[3] has not 2 elements"),
  Malformed("%0 = constant #0 : f32[3]\nreturn", "1:15: there is no constant #0 of type f32[3]"),
  Malformed("%0 = constant <1.5> : i32[1]", "1:16: an integer expected, not '1.5'"),
  Malformed("%0 = reshape() : f32[3]", "1:6: 'reshape' is no primitive of 0 operands"),
  Malformed("%0 = input f32[2]\n%1 = reshape(%0) : f32[3]", "2:6: reshape: f32[2] does not reshape to [3]"),
  Malformed("%0 = input f32[2]\n%1 = reshape(%0) : i32[2]", "2:6: reshape gives [f32[2]], not [i32[2]]"),
  Malformed("%0 = input f32[2]\n%1 = map(%0) { s0 = read 1[d0]; yield s0 } : f32[2]", "2:26: there is no operand 1"),
  Malformed("%0 = map() { yield d1 } : i64[2]", "1:6: map: axis 1 of 1"),
  Malformed("%0 = map() { s0 = add d0, f32 1; yield s0 } : i64[2]", "1:19: add of i64, f32"),
  Malformed("%0 = map() { s0 = frob d0; yield s0 } : i64[2]", "1:19: 'frob' is no operation of 1 scalars"),
  Malformed("%0 = map() { yield s0 } : i64[2]", "1:20: s0 is not defined yet"),
  Malformed("%0 = map() { yield acc0 } : i64[2]", "1:20: there is no acc0 here"),
  Malformed("%0 = input f32[2]\n%1, %2 = sort(%0) axis 1 ascending limit 1", "2:24: axis 1 is out of range"),
  Malformed(
    "%0 = external() f(n: value i64, y: output f32) \"\" [absent, result 0] : f32[2]",
    "1:6: external: absent for parameter n of f(n: value i64, y: output f32) \"\""),
  Malformed("%0 = external() f(y: output f32) \"\" [result 1] : f32[2]", "1:6: external: result 1 for parameter y"),
  Malformed("%0 = external() f(y: result f32) \"\" [result 0] : f32[2]", "1:22: input, output, value or text expected"),
  Malformed("%0 = external() f(y: output f32) \"\" [results 0] : f32[2]", "1:38: operand, result, absent, integer"),
  Malformed("%0 = input f32[\u{7}]", "1:16: unexpected '\u{7}'"),
  Malformed("%0 = input f32[\"n]", "1:16: unexpected '\"'"),
  Malformed("%0 = input f32[mod(n)]", "1:16: 'mod' is no function of 1 dimensions"),
  Malformed("%0 = input f32[" + String(repeating: "mod(", count: 300), "1:819: nested too deep"),
]

@Suite("Malformed texts of Tensor IR")
struct MalformedTests {
  @Test("give errors", arguments: malformed)
  func error(_ test: Malformed) {
    do throws(ParseError) {
      _ = try Graph(parsing: test.text)
      Issue.record("the text is accepted")
    } catch { #expect(error.description.hasPrefix(test.error)) }
  }

  /// Losing or doubling any token either gives an error or a graph that holds to the rules.
  @Test("with one token less or more never crash", arguments: sampleGraphs)
  func mutations(_ sample: SampleGraph) throws {
    let text = sample.graph.description
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    for position in words.indices {
      for copies in [0, 2] {
        var changed = words
        changed.replaceSubrange(position...position, with: Array(repeating: words[position], count: copies))
        if let graph = try? Graph(parsing: changed.joined(separator: " "), constants: sample.graph.referencedConstants)
        {
          try verify(graph)
        }
      }
    }
    for length in stride(from: 0, to: text.utf8.count, by: 7) {
      _ = try? Graph(parsing: String(decoding: text.utf8.prefix(length), as: UTF8.self), constants: [])
    }
  }
}
