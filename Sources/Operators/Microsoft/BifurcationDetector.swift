import Support
import TensorIR

/// Decoding against a source text: appends predicted tokens up to the first that leaves the source, and finds where the
/// source goes on.
struct BifurcationDetector: Operator {
  let name = OperatorName("BifurcationDetector", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (source, current, start) = (try node.input(0), try node.input(1), try node.input(2))
    for (value, what) in [(source, "the source"), (current, "the tokens")] { try requireTokens(value, what, b) }
    try b.require(start, "the previous match", isOneOf: .i64)
    let (least, most) = (try node.int("min_ngram_size", default: 1), try node.int("max_ngram_size", default: 3))
    guard 0 < least, least <= most else {
      throw .invalid("attributes 'min_ngram_size' and 'max_ngram_size' are \(least) and \(most)")
    }
    let first = try b.scalarExtent(start, "the previous match", as: "match")
    var tokens = current
    if let predicted = node.optionalInput(3) {
      try requireTokens(predicted, "the prediction", b)
      tokens = try followed(current, predicted, source, from: first, &b)
    }
    return [tokens, b.reshape(b.uniqueEnd(of: tokens, in: source, least, most), b.shape(of: start))]
  }

  private func requireTokens(_ value: ValueID, _ what: String, _ b: GraphBuilder) throws(ModelError) {
    try b.require(value, what, isOneOf: .i64)
    guard b.shape(of: value).count == 1 else { throw .invalid("\(what) has shape \(b.shape(of: value)), not rank 1") }
  }

  /// The tokens, followed by those predicted ones that the source has from a position on, and one more.
  private func followed(
    _ tokens: ValueID, _ predicted: ValueID, _ source: ValueID, from first: Dim, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let (length, count) = (b.shape(of: source)[0], b.shape(of: predicted)[0])
    try b.requireAtMost(first, length, "the previous match and the source")
    try b.requireEqual(first + count, length + 1, "the prediction does not end one token behind the source")
    var body = ScalarGraph()
    let position = body.axis(0)
    let place = body.affine(position, scale: 1, offset: first)
    let own = body.read(0, [position], type: .i64)
    let other = body.read(1, [place], outside: body.integer(0), type: .i64)
    let differs = body.binary(
      .or, body.compare(.notEqual, own, other), body.compare(.greaterOrEqual, place, body.dim(length)))
    body.results = [body.select(differs, position, body.dim(count))]
    let kept = b.reduce(
      .min, shape: [], reduced: [count], operands: [predicted, source], body: body,
      epilogue: { graph, values in [graph.plus(values[0], graph.integer(1))] })[0]
    let size = b.measured(b.reshape(kept, [1]), as: "tokens")[0]
    b.assume([DimFact(size, .atMost, count)])
    return b.concatenate([tokens, b.slice(predicted, axis: 0, from: 0, count: size)], axis: 0)
  }
}

extension GraphBuilder {
  /// Where the shortest n-gram at the end of the tokens that occurs once in the source ends there; -1 if there is none.
  fileprivate mutating func uniqueEnd(of tokens: ValueID, in source: ValueID, _ least: Int, _ most: Int) -> ValueID {
    let (length, count) = (shape(of: source)[0], shape(of: tokens)[0])
    // How many tokens before each end in the source agree, and the end where most do.
    var body = ScalarGraph()
    let (end, offset) = (body.axis(0), body.axis(1))
    func token(_ operand: Int, before end: ScalarID) -> (ScalarID, isMissing: ScalarID) {
      let place = body.minus(end, offset)
      return (
        body.read(operand, [place], outside: body.integer(0), type: .i64), body.compare(.less, place, body.integer(0))
      )
    }
    let (there, here) = (token(0, before: end), token(1, before: body.dim(count - 1)))
    let differs = body.any([there.isMissing, here.isMissing, body.compare(.notEqual, there.0, here.0)])
    let bound = Dim.minimum(Dim(most), length)
    body.results = [body.select(differs, offset, body.dim(bound))]
    let matches = reduce(.min, shape: [length], reduced: [bound], operands: [source, tokens], body: body)[0]
    var own = ScalarGraph()
    own.results = [own.read(0, [own.axis(0)], type: .i64)]
    let best = reduce(
      .argMaxFirst, shape: [], reduced: [length], operands: [matches], body: own,
      epilogue: { _, values in values.reversed() })
    var others = ScalarGraph()
    let isBest = others.compare(.equal, others.axis(0), others.read(1, [], type: .i64))
    others.results = [others.select(isBest, others.integer(0), others.read(0, [others.axis(0)], type: .i64))]
    let second = reduce(.max, shape: [], reduced: [length], operands: [matches, best[0]], body: others)[0]
    var result = ScalarGraph()
    let size = result.binary(
      .max, result.plus(result.read(1, [], type: .i64), result.integer(1)), result.integer(least))
    let isFound = result.compare(.lessOrEqual, size, result.read(2, [], type: .i64))
    let next = result.plus(result.read(0, [], type: .i64), result.integer(1))
    result.results = [result.select(isFound, next, result.integer(-1))]
    return map([], result, [best[0], second, best[1]])
  }
}
