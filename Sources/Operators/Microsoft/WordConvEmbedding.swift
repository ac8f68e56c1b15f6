import Support
import TensorIR

/// Embeddings of words from those of their characters: a convolution, tanh, and the maximum over the characters.
struct WordConvEmbedding: Operator {
  let name = OperatorName("WordConvEmbedding", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (words, weight, bias, table) = (
      try node.input(0), try node.input(1), try node.input(2), try node.input(3)
    )
    try b.require(words, "the words", isOneOf: .i32)
    let (given, kernel, rows) = (b.shape(of: words), b.shape(of: weight), b.shape(of: table))
    guard given.count == 2, kernel.count == 4, rows.count == 2 else {
      throw .invalid("words \(given), kernel \(kernel) and characters \(rows) do not fit")
    }
    let sizes = [("embedding_size", kernel[0]), ("conv_window_size", kernel[2]), ("char_embedding_size", rows[1])]
    for (name, extent) in sizes {
      guard let size = try node.int(name), size != -1 else { continue }
      try b.requireEqual(extent, Dim(size), "attribute '\(name)'")
    }
    try b.requireEqual(kernel[1], 1, "the channels of the kernel")
    try b.requireShape(bias, [kernel[0]], "the bias")
    try b.requireEqual(kernel[3], rows[1], "the sizes of characters")
    let (count, length) = (given[0], given[1])
    try b.requireAtMost(kernel[2], length, "words of \(length) characters are shorter than the window")
    let places = length - kernel[2] + 1
    let characters = b.characters(words, table)
    var epilogue = ScalarGraph()
    let sum = epilogue.plus(epilogue.accumulator(0, .f32), epilogue.read(2, [epilogue.axis(2)], type: .f32))
    epilogue.results = [epilogue.unary(.tanh, sum)]
    let contract = Contract(
      shape: [count, places, kernel[0]], reduced: [kernel[2], kernel[3]],
      lhs: [.axis(0), AffineIndex([1: 1, 3: 1]), .axis(4)], rhs: [.axis(2), AffineIndex(), .axis(3), .axis(4)],
      accumulator: .f32, epilogue: epilogue)
    let activated = b.add(.contract(contract), [characters, weight, bias])[0]
    // Words end at their padding, but no earlier than one window.
    let lengths = b.reduceAxes(words, [1], keepsAxes: false, .sum) { graph, value in
      graph.cast(graph.compare(.greater, value, graph.integer(0, .i32)), to: .i64)
    }
    var body = ScalarGraph()
    let (word, filter, place) = (body.axis(0), body.axis(1), body.axis(2))
    let end = body.minus(body.binary(.max, body.read(1, [word], type: .i64), body.dim(kernel[2])), body.dim(kernel[2]))
    let value = body.read(0, [word, place, filter], type: .f32)
    body.results = [body.select(body.compare(.lessOrEqual, place, end), value, body.number(-1e12, .f32))]
    let greatest = b.reduce(
      .max, shape: [count, kernel[0]], reduced: [places], operands: [activated, lengths], body: body)[0]
    // What begins with padding is no word.
    return [
      try b.elementwise([greatest, b.slice(words, axis: 1, from: 0, count: 1)]) { graph, values in
        let isWord = graph.compare(.greater, values[1], graph.integer(0, .i32))
        return graph.select(isWord, values[0], graph.number(0, .f32))
      }
    ]
  }
}

extension GraphBuilder {
  /// The rows of a table that characters pick, zeros for characters that are not there.
  fileprivate mutating func characters(_ words: ValueID, _ table: ValueID) -> ValueID {
    let (shape, rows) = (shape(of: words), type(of: table))
    var body = ScalarGraph()
    let character = body.cast(body.read(0, [body.axis(0), body.axis(1)], type: .i32), to: .i64)
    let nothing = body.number(0, rows.element)
    body.results = [body.read(1, [character, body.axis(2)], outside: nothing, type: rows.element)]
    return map(shape + [rows.shape[1]], body, [words, table])
  }
}
