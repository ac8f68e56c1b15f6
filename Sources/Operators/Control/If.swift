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
    let then = try branch("then_branch", node, &b)
    let otherwise = try branch("else_branch", node, &b)
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

  /// A branch of a run-time condition; one that does not fit the shapes is no fault of the model, which may never take it.
  private func branch(_ name: String, _ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let graph = try node.graph(name)
    do throws(ModelError) {
      return try node.inline(graph, [], in: &b)
    } catch {
      throw ModelError(
        error.diagnostics.map { diagnostic in
          var changed = diagnostic
          changed.kind = .unsupported
          if changed.hint.isEmpty { changed.hint = "in '\(name)' of a condition that is computed at run time" }
          return changed
        })
    }
  }
}
