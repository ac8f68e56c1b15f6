import Support
import TensorIR

/// One of two body graphs.
struct If: ContainerOperator {
  let name = OperatorName("If", versions: 1, 11, 13, 16, 19, 21, 23, 24, 25)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let condition = try node.input(0)
    try b.require(condition, "the condition", isOneOf: .bool)
    guard b.shape(of: condition).constants?.reduce(1, *) == 1 else { throw .invalid("the condition must be a scalar") }
    if let known = b.knownIntegers(condition)?.first?.constant {
      return try node.inline(try node.graph(known != 0 ? "then_branch" : "else_branch"), values: [], in: &b)
    }
    let (then, otherwise) = (side("then_branch", node, b), side("else_branch", node, b))
    switch (then, otherwise) {
    case (.success(let then), .success(let otherwise)): return try b.choose(condition, then, otherwise)
    case (.failure(let error), .failure): throw error
    case (.success, .failure(let error)):
      guard error.isInvalid else { throw error }
      return try only("then_branch", 1, node, condition, &b)
    case (.failure(let error), .success):
      guard error.isInvalid else { throw error }
      return try only("else_branch", 0, node, condition, &b)
    }
  }

  /// Whether only a call knows the condition and each branch by itself can be imported.
  func hasTwoSides(_ node: OperatorNode, in b: GraphBuilder) -> Bool {
    guard let condition = node.optionalInput(0), b.knownIntegers(condition) == nil,
      b.type(of: condition).element == .bool, b.shape(of: condition).constants?.reduce(1, *) == 1
    else { return false }
    return ["then_branch", "else_branch"].allSatisfy { name in
      if case .success = side(name, node, b) { true } else { false }
    }
  }

  private func side(_ name: String, _ node: OperatorNode, _ b: GraphBuilder) -> Result<ImportedSide, ModelError> {
    var inner = GraphBuilder(inside: b, as: name)
    var captured: [ValueID] = []
    do throws(ModelError) {
      let results = try node.importApart(try node.graph(name), values: [], outer: b, captured: &captured, in: &inner)
      return .success(ImportedSide(builder: inner, captured: captured, results: results))
    } catch {
      return .failure(error)
    }
  }

  /// The one branch that fits the shapes, with a check that the condition chooses it.
  ///
  /// A branch that does not fit is no fault of the model, which may never take it; a call in which it does fails.
  private func only(
    _ name: String, _ value: Int, _ node: OperatorNode, _ condition: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    let choice = b.measured(b.reshape(try b.cast(condition, to: .i64), [1]), as: "condition")
    b.assume([DimFact(choice[0], .equal, Dim(value))], isRequired: true)
    return try node.inline(try node.graph(name), values: [], in: &b)
  }
}

extension ModelError {
  /// Whether all that is wrong is wrong with the model.
  fileprivate var isInvalid: Bool { diagnostics.allSatisfy { $0.kind == .invalid } }
}
