import Support
import TensorIR

/// Strings without stop words, with the case of their letters changed; one empty string if none is left.
struct StringNormalizer: ContainerOperator {
  let name = OperatorName("StringNormalizer", versions: 10)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.strings(0)
    let shape = b.shape(of: x)
    guard shape.count == 1 || shape.count == 2 && shape[0] == 1 else {
      throw .invalid("the strings have shape \(shape), not [C] or [1, C]")
    }
    let action = try node.string("case_change_action", default: "NONE")
    let change = LetterCase(rawValue: action)
    guard change != nil || action == "NONE" else { throw .invalid("attribute 'case_change_action' is '\(action)'") }
    let words = ImportedStrings(spans: b.reshape(x.spans, [shape.product]), bytes: x.bytes)
    let changed = change.map { ImportedStrings(spans: words.spans, bytes: b.changedCase(words.bytes, $0)) } ?? words
    let stopWords = try node.byteStrings("stopwords") ?? []
    guard !stopWords.isEmpty else { return [.strings(ImportedStrings(spans: x.spans, bytes: changed.bytes))] }
    let found: ValueID
    if try node.flag("is_case_sensitive") {
      found = try b.positions(of: words, among: stopWords)
    } else {
      let letterCase = change ?? .lower
      let compared = change == nil ? ImportedStrings(spans: words.spans, bytes: b.changedCase(words.bytes, .lower)) : changed
      found = try b.positions(of: compared, among: stopWords.map { letterCase.applied(to: $0) })
    }
    let kept = b.keptOrEmpty(changed.spans, found)
    let result = shape.count == 1 ? kept : b.reshape(kept, [1] + b.shape(of: kept))
    return [.strings(ImportedStrings(spans: result, bytes: changed.bytes))]
  }
}

extension GraphBuilder {
  /// The spans whose position was not found; a single empty one if there are none.
  fileprivate mutating func keptOrEmpty(_ spans: ValueID, _ found: ValueID) -> ValueID {
    let (places, count) = positions(in: shape(of: spans), "kept", [found]) { graph in
      graph.compare(.less, graph.read(0, [graph.axis(0)], type: .i64), graph.integer(0))
    }
    var body = ScalarGraph()
    let axis = body.axis(0)
    let isThere = body.compare(.less, axis, body.dim(count))
    let place = body.select(isThere, body.read(1, [axis], outside: body.integer(0), type: .i64), body.integer(-1))
    body.results = [body.read(0, [place], outside: body.integer(0), type: .i64)]
    return map([.maximum(count, 1)], body, [spans, places])
  }
}
