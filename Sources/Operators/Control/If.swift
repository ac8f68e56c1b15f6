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
    case (.success(let then), .success(let otherwise)): return try choice(condition, then, otherwise, &b)
    case (.failure(let error), .failure): throw error
    case (.success, .failure(let error)):
      guard error.isInvalid else { throw error }
      return try only("then_branch", 1, node, condition, &b)
    case (.failure(let error), .success):
      guard error.isInvalid else { throw error }
      return try only("else_branch", 0, node, condition, &b)
    }
  }

  /// A body graph on its own.
  private struct Side {
    var builder: GraphBuilder
    var captured: [ValueID]
    var results: [ImportedValue]

    mutating func finished() -> BranchSide {
      BranchSide(graph: builder.finish(outputs: results.flatMap(\.values)), captured: captured)
    }
  }

  private func choice(_ condition: ValueID, _ first: Side, _ second: Side, _ b: inout GraphBuilder) throws(ModelError)
    -> [ImportedValue]
  {
    var (then, otherwise) = (first, second)
    guard then.results.count == otherwise.results.count else {
      throw .invalid("the branches have \(then.results.count) and \(otherwise.results.count) results")
    }
    for index in then.results.indices {
      then.builder.adopt(&then.results[index], formOf: otherwise.results[index], otherwise.builder)
      otherwise.builder.adopt(&otherwise.results[index], formOf: then.results[index], then.builder)
      guard then.results[index].form == otherwise.results[index].form else {
        throw .unsupported(
          "the branches of a run-time condition give \(then.results[index].form) and \(otherwise.results[index].form)",
          hint: "make the condition a constant")
      }
    }
    var values = try b.branch(condition, then.finished(), otherwise.finished())[...]
    return then.results.map { $0.replacing(&values) }
  }

  private func side(_ name: String, _ node: OperatorNode, _ b: GraphBuilder) -> Result<Side, ModelError> {
    var inner = GraphBuilder(inside: b, as: name)
    var captured: [ValueID] = []
    do throws(ModelError) {
      let results = try node.importApart(try node.graph(name), values: [], outer: b, captured: &captured, in: &inner)
      return .success(Side(builder: inner, captured: captured, results: results))
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

extension GraphBuilder {
  /// Gives an optional value the form of another one, which may be there where this one is not.
  ///
  /// Elements that are not there are empty tensors.
  fileprivate mutating func adopt(_ value: inout ImportedValue, formOf other: ImportedValue, _ others: GraphBuilder) {
    guard case .optional(var own) = value, case .optional(let theirs) = other,
      own.isPresent != nil || theirs.isPresent != nil || (own.value == nil) != (theirs.value == nil)
    else { return }
    own.isPresent = own.isPresent ?? constant(ConstantTensor(.bool, dims: [], integers: [own.value == nil ? 0 : 1]))
    if own.value == nil, let form = theirs.value {
      var empty = form.values.map { value in
        let type = others.type(of: value)
        return constant(
          ConstantTensor(type.element, dims: type.shape.map { _ in 0 }, bytes: type.rank > 0 ? [] : [UInt8](repeating: 0, count: type.element.bytes)))
      }[...]
      own.value = form.replacing(&empty)
    }
    value = .optional(own)
  }
}

extension ModelError {
  /// Whether all that is wrong is wrong with the model.
  fileprivate var isInvalid: Bool { diagnostics.allSatisfy { $0.kind == .invalid } }
}
