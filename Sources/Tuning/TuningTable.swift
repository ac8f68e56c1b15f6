public import Support

/// Choices that were measured, by processor.
///
/// As text it has a line for each of them, `KIND COMPUTATION = CHOICE`, in sorted order after the processor's name:
///
///     onnxc tuning 1
///
///     processor znver5
///     tile f32x16 rows 49@512 columns 2048 terms 512@1 packed = 7x4
public struct TuningTable: Hashable, Sendable, CustomStringConvertible {
  /// By LLVM's name of the processor.
  public var processors: [String: [ChoiceKey: Choice]] = [:]

  public init() {}

  private static let firstLine = "onnxc tuning 1"
  private static let processor = "processor "
  private static let equals = " = "

  public init(_ text: String) throws(ParseError) {
    var name: String?
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    func error(_ index: Int, _ message: String) -> ParseError {
      ParseError(line: index + 1, column: 1, message: message)
    }
    guard lines[0] == Self.firstLine else {
      throw error(0, "'\(Self.firstLine)' expected; another version measures anew")
    }
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty && !line.hasPrefix("#") {
      if line.hasPrefix(Self.processor) {
        let given = String(line.dropFirst(Self.processor.count))
        guard processors.updateValue([:], forKey: given) == nil else { throw error(index, "\(given) is there already") }
        name = given
        continue
      }
      guard let name else { throw error(index, "'processor NAME' expected before choices") }
      do throws(LineError) {
        let (key, choice) = try Self.choice(line)
        guard processors[name]?.updateValue(choice, forKey: key) == nil else {
          throw LineError("'\(key)' is there already")
        }
      } catch let fault {
        throw error(index, fault.message)
      }
    }
  }

  private struct LineError: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  private static func choice(_ line: Substring) throws(LineError) -> (ChoiceKey, Choice) {
    let words = line.split(separator: " ", maxSplits: 1)
    guard words.count == 2, let kind = Choice.Kind(rawValue: String(words[0])) else {
      let kinds = Choice.Kind.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw LineError("'processor' or a choice of \(kinds) expected")
    }
    let sides = words[1].split(separator: "=")
    guard sides.count == 2, sides[0].hasSuffix(" "), sides[1].hasPrefix(" ") else {
      throw LineError("'COMPUTATION = CHOICE' expected")
    }
    guard let choice = Choice(kind, sides[1].dropFirst()) else {
      throw LineError("'\(sides[1].dropFirst())' is no choice of '\(kind.rawValue)'")
    }
    return (ChoiceKey(kind, String(sides[0].dropLast())), choice)
  }

  public var description: String {
    var lines = [Self.firstLine]
    for (name, choices) in processors.sorted(by: { $0.key < $1.key }) {
      lines += ["", Self.processor + name]
      lines += choices.sorted { $0.key < $1.key }.map { "\($0.key)\(Self.equals)\($0.value)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What is known of a processor: what is in this table, and else what the compiler brings along.
  public func choices(for processor: String) -> [ChoiceKey: Choice] {
    let common = Self.common.processors[processor] ?? [:]
    return common.merging(processors[processor] ?? [:]) { _, own in own }
  }
}
