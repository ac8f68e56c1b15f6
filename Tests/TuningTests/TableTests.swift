import Support
import Testing

@testable import Tuning

private let text = """
  onnxc tuning 1

  processor a
  blocks f32 12x128x128 = 0
  tile f32x16 rows 49@512 columns 2048 terms 512@1 packed = 7x4
  tile f32x16 rows 49@512 columns 64 terms 512@1 from memory = 14x2 prefetch
  winograd f32 14x14 channels 8 features 16 = yes

  processor b
  winograd f32 14x14 channels 8 features 16 = no

  """

/// A text with a fault in its last line.
private struct Fault: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var lines: [String]
  var message: String
}

private let head = ["onnxc tuning 1", "processor a"]

private let faults = [
  Fault(testDescription: "empty", lines: [""], message: "'onnxc tuning 1' expected; another version measures anew"),
  Fault(
    testDescription: "another version", lines: ["onnxc tuning 2"],
    message: "'onnxc tuning 1' expected; another version measures anew"),
  Fault(
    testDescription: "no processor", lines: ["onnxc tuning 1", "winograd x = no"],
    message: "'processor NAME' expected before choices"),
  Fault(testDescription: "a processor twice", lines: head + ["processor a"], message: "a is there already"),
  Fault(
    testDescription: "a choice twice", lines: head + ["winograd x = no", "winograd x = yes"],
    message: "'winograd x' is there already"),
  Fault(
    testDescription: "unknown kind", lines: head + ["", "# note", "tiles x = 1x1"],
    message: "'processor' or a choice of 'tile', 'winograd', 'blocks' expected"),
  Fault(testDescription: "no choice", lines: head + ["tile x"], message: "'COMPUTATION = CHOICE' expected"),
  Fault(testDescription: "no computation", lines: head + ["tile = 1x1"], message: "'COMPUTATION = CHOICE' expected"),
  Fault(
    testDescription: "two choices", lines: head + ["tile x = 1x1 = 1x2"], message: "'COMPUTATION = CHOICE' expected"),
  Fault(
    testDescription: "a kind's own choices", lines: head + ["tile x = yes"], message: "'yes' is no choice of 'tile'"),
  Fault(testDescription: "no rows", lines: head + ["tile x = 0x1"], message: "'0x1' is no choice of 'tile'"),
  Fault(testDescription: "large tiles", lines: head + ["tile x = 1x17"], message: "'1x17' is no choice of 'tile'"),
  Fault(testDescription: "three sizes", lines: head + ["tile x = 1x1x1"], message: "'1x1x1' is no choice of 'tile'"),
  Fault(
    testDescription: "unknown words", lines: head + ["tile x = 1x1 fast"],
    message: "'1x1 fast' is no choice of 'tile'"),
  Fault(
    testDescription: "neither yes nor no", lines: head + ["winograd x = 1"],
    message: "'1' is no choice of 'winograd'"),
  Fault(testDescription: "negative", lines: head + ["blocks x = -1"], message: "'-1' is no choice of 'blocks'"),
  Fault(
    testDescription: "a number too large", lines: head + ["blocks x = 99999999999999999999"],
    message: "'99999999999999999999' is no choice of 'blocks'"),
]

@Suite("Tuning tables")
struct TableTests {
  @Test func textRoundTrips() throws {
    let table = try TuningTable(text)
    #expect(table.description == text)
    #expect(Set(table.processors.keys) == ["a", "b"])
    let key = ChoiceKey(.tile, "f32x16 rows 49@512 columns 64 terms 512@1 from memory")
    #expect(table.choices(for: "a")[key] == .tile(rows: 14, vectors: 2, prefetch: true))
    #expect(table.choices(for: "a")[ChoiceKey(.blocks, "f32 12x128x128")] == .blocks(0))
    #expect(table.choices(for: "b") == [ChoiceKey(.winograd, "f32 14x14 channels 8 features 16"): .winograd(false)])
    #expect(table.choices(for: "c").isEmpty)
  }

  @Test func linesInAnyOrderAndRemarks() throws {
    let lines = text.split(separator: "\n")
    let other = ([lines[0]] + ["# a remark"] + lines[6...7] + lines[1...5].shuffled { $0.hasPrefix("processor") })
    #expect(try TuningTable(other.joined(separator: "\n")).description == text)
  }

  @Test(arguments: faults) private func tellsFaults(_ fault: Fault) {
    let expected = ParseError(line: fault.lines.count, column: 1, message: fault.message)
    #expect(throws: expected) { try TuningTable(fault.lines.joined(separator: "\n")) }
  }

  @Test func builtInTableIsWellFormed() throws {
    #expect(try TuningTable(TuningTable.commonText) == TuningTable.common)
    #expect(TuningTable.common.description == TuningTable.commonText)
  }

  @Test func filesComeBeforeTheBuiltInTable() throws {
    var table = TuningTable()
    for (processor, choices) in TuningTable.common.processors {
      #expect(table.choices(for: processor) == choices)
      for key in choices.keys { table.processors[processor, default: [:]][key] = .blocks(7) }
      #expect(Set(table.choices(for: processor).values) == [.blocks(7)])
    }
  }

  @Test func questionsAreAnsweredAndNoted() {
    let key = ChoiceKey(.blocks, "x")
    var choices = Choices([key: .blocks(3)])
    #expect(choices.choose(Question(key, options: [.blocks(1), .blocks(2)])) == .blocks(3))
    #expect(choices.choose(Question(ChoiceKey(.blocks, "y"), options: [.blocks(1), .blocks(2)])) == .blocks(1))
    choices.attribute(from: 1, toKernel: "k")
    #expect(choices.questions.map(\.key.computation) == ["x", "y"])
    #expect(choices.questions.map(\.scope) == [.origins([]), .kernel("k")])
  }
}

extension ArraySlice<Substring> {
  /// The lines after the first reversed; the first must be a heading.
  fileprivate func shuffled(_ isHeading: (Substring) -> Bool) -> [Substring] {
    precondition(first.map(isHeading) == true)
    return prefix(1) + dropFirst().reversed()
  }
}
