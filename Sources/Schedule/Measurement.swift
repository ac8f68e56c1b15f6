public import LoopIR
import Support

/// One call of a kernel or of a function of the user in an entry that is measured.
public struct Group: Hashable, Sendable {
  /// The name of what is called.
  public var name: String
  /// The model's nodes that it computes, as `Node.origin` tells them.
  public var origin: String
  /// What it multiplies.
  public var factors: FactorKind
}

/// The functions that a program calls around each group if it is made to be measured.
public enum Measurement {
  public static let begin = ExternalFunction(name: "onnxc_profile_begin", parameters: [], documentation: "")

  /// Takes the group's number and its work: operations, bytes of constants, and other bytes.
  public static let end = ExternalFunction(
    name: "onnxc_profile_end",
    parameters: ["group", "operations", "constant_bytes", "other_bytes"].map {
      ExternalFunction.Parameter($0, .value, .i64)
    }, documentation: "")
}

extension Assembler {
  /// The statement of a step; in a program that is measured, between calls that tell its work.
  mutating func measured(_ statements: [Statement], _ name: String, _ step: Step) -> [Statement] {
    guard let work = step.work else { return statements }
    groups.append(Group(name: name, origin: step.origin, factors: work.factors))
    let values = [.index(groups.count - 1), work.operations.expr, work.constantBytes.expr, work.otherBytes.expr]
    let (begin, end) = (number(of: Measurement.begin), number(of: Measurement.end))
    return [.external(function: begin, arguments: [])] + statements
      + [.external(function: end, arguments: values.map { .value($0) })]
  }
}
