import Support
import TensorIR

/// Strings one after the other.
struct StringConcat: ContainerOperator {
  let name = OperatorName("StringConcat", versions: 20)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let (first, second) = (try node.strings(0), try node.strings(1))
    let shape = try b.broadcast([b.shape(of: first), b.shape(of: second)])
    let width = b.longest(first) + b.longest(second)
    var body = ScalarGraph()
    let spans = [first, second].enumerated().map { body.broadcastRead($0.offset, b.type(of: $0.element.spans), in: shape) }
    let counts = spans.map { body.count(ofSpan: $0) }
    let axes = shape.indices.map { body.axis($0) }
    var place = body
    let number = place.rowMajor(axes, shape)
    let start = place.times(number, place.dim(width))
    place.results = [place.span(start: start, count: place.plus(counts[0], counts[1]))]
    let position = body.axis(shape.count)
    let front = body.byte(2, ofSpan: spans[0], at: position)
    let isBack = body.compare(.greaterOrEqual, position, counts[0])
    let offset = body.select(isBack, body.minus(position, counts[0]), body.integer(0))
    let back = body.byte(3, ofSpan: spans[1], at: offset)
    body.results = [body.cast(body.select(isBack, back, front), to: .u8)]
    b.assume([DimFact(shape.product * width, .atMost, Dim(ImportedStrings.countLimit))])
    let bytes = b.map(shape + [width], body, [first.spans, second.spans, first.bytes, second.bytes])
    return [
      .strings(
        ImportedStrings(
          spans: b.map(shape, place, [first.spans, second.spans]),
          bytes: b.reshape(bytes, [shape.product * width])))
    ]
  }
}

/// Comparison of strings.
struct StringEqual: ContainerOperator {
  let name = OperatorName("Equal", versions: 19)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    [.tensor(try b.areEqual(try node.strings(0), try node.strings(1)))]
  }
}
