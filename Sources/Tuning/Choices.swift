/// A choice that the compiler has while it compiles a model.
public struct Question: Hashable, Sendable {
  /// The calls whose time depends on the answer.
  public enum Scope: Hashable, Sendable {
    /// All that is done for nodes of these origins.
    case origins(Set<String>)
    case kernel(String)
  }

  public var key: ChoiceKey
  /// The choices worth measuring, first the one that is estimated to be best.
  public var options: [Choice]
  public fileprivate(set) var scope: Scope

  public init(_ key: ChoiceKey, options: [Choice], scope: Scope = .origins([])) {
    (self.key, self.options, self.scope) = (key, options, scope)
  }
}

/// Answers questions by what was measured, or else by estimates, and notes them.
public struct Choices: Sendable {
  private let measured: [ChoiceKey: Choice]
  public private(set) var questions: [Question] = []

  public init(_ measured: [ChoiceKey: Choice] = [:]) { self.measured = measured }

  /// The choice to make; `options` must not be empty.
  public mutating func choose(_ question: Question) -> Choice {
    questions.append(question)
    return measured[question.key] ?? question.options[0]
  }

  /// Says which kernel the questions from a position on were asked for.
  public mutating func attribute(from position: Int, toKernel name: String) {
    for index in questions.indices.dropFirst(position) { questions[index].scope = .kernel(name) }
  }
}
