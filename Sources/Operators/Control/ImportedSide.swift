import Support
import TensorIR

/// What one side of a run-time choice computes, in a builder of its own.
struct ImportedSide {
  var builder: GraphBuilder
  /// The values of the builder around it that are its inputs.
  var captured: [ValueID]
  var results: [ImportedValue]

  fileprivate mutating func finished() -> BranchSide {
    BranchSide(graph: builder.finish(outputs: results.flatMap(\.values)), captured: captured)
  }
}

extension GraphBuilder {
  /// The results of one of two sides.
  mutating func choose(_ condition: ValueID, _ first: ImportedSide, _ second: ImportedSide) throws(ModelError)
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
    var values = try branch(condition, then.finished(), otherwise.finished())[...]
    return then.results.map { $0.replacing(&values) }
  }

  /// Gives a container the form of another one, which may be there or have elements where this one is not or has none.
  ///
  /// Elements that are not there are empty tensors.
  private mutating func adopt(_ value: inout ImportedValue, formOf other: ImportedValue, _ others: GraphBuilder) {
    switch (value, other) {
    case (.optional(let own), .tensor), (.optional(let own), .strings), (.optional(let own), .sequence):
      if let certain = own.value, own.isPresent == nil { value = certain }
    case (.tensor, .optional(let theirs)), (.strings, .optional(let theirs)), (.sequence, .optional(let theirs)):
      if theirs.value == nil || theirs.isPresent != nil { value = .optional(ImportedOptional(value)) }
    default: break
    }
    if case .sequence(var own) = value, case .sequence(let theirs) = other,
      own.items.count != theirs.items.count || own.length != nil || theirs.length != nil
    {
      own.length = own.length ?? constant(ConstantTensor(.i64, dims: [], integers: [own.items.count]))
      own.items += theirs.items.dropFirst(own.items.count).map { empty($0, others) }
      value = .sequence(own)
    }
    guard case .optional(var own) = value, case .optional(let theirs) = other,
      own.isPresent != nil || theirs.isPresent != nil || (own.value == nil) != (theirs.value == nil)
    else { return }
    own.isPresent = own.isPresent ?? constant(ConstantTensor(.bool, dims: [], integers: [own.value == nil ? 0 : 1]))
    if own.value == nil, let form = theirs.value { own.value = empty(form, others) }
    value = .optional(own)
  }

  /// A value of the form of another one without elements.
  private mutating func empty(_ form: ImportedValue, _ others: GraphBuilder) -> ImportedValue {
    var values = form.values.map { value in
      let type = others.type(of: value)
      let bytes = type.rank > 0 ? [] : [UInt8](repeating: 0, count: type.element.bytes)
      return constant(ConstantTensor(type.element, dims: type.shape.map { _ in 0 }, bytes: bytes))
    }[...]
    return form.replacing(&values)
  }
}
