import Support
import TensorIR

/// Scores with -infinity for the tokens that would repeat an n-gram of a sequence at its end.
struct NGramRepeatBlock: Operator {
  let name = OperatorName("NGramRepeatBlock", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (tokens, scores) = (try node.input(0), try node.input(1))
    try b.require(tokens, "the tokens", isOneOf: .i64)
    try b.requireFloat(scores, "the scores")
    let (given, type) = (b.shape(of: tokens), b.type(of: scores))
    guard let size = try node.int("ngram_size"), size > 0 else {
      throw .invalid("attribute 'ngram_size' must be given and positive")
    }
    guard given.count == 2, type.rank == 2 else { throw .invalid("tokens or scores do not have rank 2") }
    try b.requireEqual(given[0], type.shape[0], "the batches of tokens and scores")
    if let count = given[1].constant, count < size { return [scores] }
    guard size <= 256 else { throw .unsupported("n-grams of \(size) tokens are not supported") }
    var target = ScalarGraph()
    let (batch, start) = (target.axis(0), target.axis(1))
    func token(_ position: ScalarID) -> ScalarID {
      target.read(1, [batch, position], outside: target.integer(-1), type: .i64)
    }
    var matches: [ScalarID] = []
    for offset in 0..<size - 1 {
      let last = target.dim(given[1] - (size - 1) + offset)
      matches.append(target.compare(.equal, token(target.affine(start, scale: 1, offset: Dim(offset))), token(last)))
    }
    let isRepeated = target.all(matches)
    let next = target.select(
      isRepeated, token(target.affine(start, scale: 1, offset: Dim(size - 1))), target.integer(0))
    let bound = target.select(
      isRepeated, target.number(-.infinity, type.element), target.number(.infinity, type.element))
    target.results = [batch, next, bound]
    let places = Dim.maximum(given[1] - (size - 1), 0)
    return b.add(
      .scatter(Scatter(updates: [given[0], places], combiner: .min, target: target)), [scores, tokens])
  }
}
