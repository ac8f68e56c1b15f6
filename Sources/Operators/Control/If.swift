import Support
import TensorIR

/// One of two body graphs. With a condition known only at run time both are computed, and their results selected.
struct If: Operator {
  let name = OperatorName("If", versions: 1, 11, 13, 16, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let condition = try node.input(0)
    try b.require(condition, "the condition", isOneOf: .bool)
    guard b.shape(of: condition).constants?.reduce(1, *) == 1 else { throw .invalid("the condition must be a scalar") }
    if let known = b.knownIntegers(condition)?.first?.constant {
      return try node.inline(try node.graph(known != 0 ? "then_branch" : "else_branch"), [], in: &b)
    }
    let branches = try branches(node, condition, &b)
    guard let (then, otherwise) = branches.both else { return branches.only }
    guard then.count == otherwise.count else {
      throw .invalid("the branches have \(then.count) and \(otherwise.count) results")
    }
    let scalar = b.reshape(condition, [])
    var results: [ValueID] = []
    for (first, second) in zip(then, otherwise) {
      guard b.type(of: first) == b.type(of: second) else {
        throw .unsupported(
          "the branches of a run-time condition have results of types \(b.type(of: first)) and \(b.type(of: second))",
          hint: "make the condition a constant or give both branches the same shapes")
      }
      results.append(try b.elementwise([scalar, first, second]) { $0.select($1[0], $1[1], $1[2]) })
    }
    return results
  }

  private struct Branches {
    var both: (then: [ValueID], otherwise: [ValueID])?
    var only: [ValueID] = []
  }

  /// The results of both branches of a run-time condition.
  ///
  /// A branch that does not fit the shapes is no fault of the model, which may never take it; a call in which it does fails.
  private func branches(_ node: OperatorNode, _ condition: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> Branches {
    let (first, second) = (attempt("then_branch", node, b), attempt("else_branch", node, b))
    switch (first, second) {
    case (.success, .success):
      let then = try node.inline(try node.graph("then_branch"), [], in: &b)
      return Branches(both: (then, try node.inline(try node.graph("else_branch"), [], in: &b)))
    case (.failure(let error), .failure): throw error
    case (.success, .failure(let error)):
      guard error.isInvalid else { throw error }
      return Branches(only: try only("then_branch", 1, node, condition, &b))
    case (.failure(let error), .success):
      guard error.isInvalid else { throw error }
      return Branches(only: try only("else_branch", 0, node, condition, &b))
    }
  }

  private func attempt(_ name: String, _ node: OperatorNode, _ b: GraphBuilder) -> Result<Void, ModelError> {
    var aside = b
    do throws(ModelError) {
      _ = try node.inline(try node.graph(name), [], in: &aside)
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// The one branch that is possible, with a check that the condition chooses it.
  private func only(
    _ name: String, _ value: Int, _ node: OperatorNode, _ condition: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let choice = b.measured(b.reshape(try b.cast(condition, to: .i64), [1]), as: "condition")
    b.assume([DimFact(choice[0], .equal, Dim(value))], isRequired: true)
    return try node.inline(try node.graph(name), [], in: &b)
  }
}

extension ModelError {
  /// Whether all that is wrong is wrong with the model.
  fileprivate var isInvalid: Bool { diagnostics.allSatisfy { $0.kind == .invalid } }
}
