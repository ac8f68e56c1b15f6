import Support
import TensorIR

/// Hashes of the n-grams that end at every token, for several n and several moduli each.
struct NGramHashMapping: Operator {
  let name = OperatorName("NGramHashMapping", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let tokens = try node.input(0)
    let hash = try NGramHash(node, tokens, rank: 2, offsets: node.optionalInput(4), end: node.optionalInput(5), &b)
    let (type, kept) = (b.type(of: tokens), hash.order - 1)
    let history = try history(node, hash, &b)
    let windows = b.windows(type.shape, hash.order, of: history) { $0.plus($1, $0.integer(kept)) }
    var segments: ValueID?
    if let given = node.optionalInput(6) {
      try b.requireShape(given, type.shape, "the segments")
      // Tokens of earlier calls are of the first segment.
      segments = b.windows(type.shape, hash.order, of: given) { $0.binary(.max, $1, $0.integer(0)) }
    }
    return [
      hash.hashes(of: windows, segments: segments, &b),
      b.slice(history, axis: 1, from: type.shape[1], count: Dim(kept)),
    ]
  }

  /// The tokens behind those of earlier calls.
  private func history(_ node: OperatorNode, _ hash: NGramHash, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let tokens = try node.input(0)
    let shape = [b.shape(of: tokens)[0], Dim(hash.order - 1)]
    guard let past = node.optionalInput(3) else {
      return b.concatenate([try b.broadcast(hash.filler, to: shape), tokens], axis: 1)
    }
    try b.requireSameType([tokens, past])
    try b.requireShape(past, shape, "the past")
    return b.concatenate([past, tokens], axis: 1)
  }
}

extension GraphBuilder {
  /// For every place of rows the element there and those before it in the rows of a matrix, whose columns `column`
  /// numbers.
  fileprivate mutating func windows(
    _ shape: [Dim], _ size: Int, of matrix: ValueID, column: (inout ScalarGraph, ScalarID) -> ScalarID
  ) -> ValueID {
    var body = ScalarGraph()
    let place = column(&body, body.minus(body.axis(1), body.axis(2)))
    body.results = [body.read(0, [body.axis(0), place], type: type(of: matrix).element)]
    return map(shape + [Dim(size)], body, [matrix])
  }
}
