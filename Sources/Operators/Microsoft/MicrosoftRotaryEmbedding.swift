import Support
import TensorIR

/// Pairs of elements turned by angles from caches, with positions by element or from one on, or three kinds of
/// positions.
struct MicrosoftRotaryEmbedding: Operator {
  let name: OperatorName
  /// Whether sections of the caches' columns have positions of their own.
  let isMultimodal: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let given = try node.input(1)
    let positions = b.shape(of: given).isEmpty ? b.reshape(given, [1]) : given
    let cosines = try node.input(2)
    let sines = try node.input(3)
    try b.requireFloat(x)
    try b.requireSameType([x, cosines, sines])
    try b.require(positions, "the positions", isOneOf: .i64)
    let half = try b.angleColumns(cosines, sines)
    let rotated = try node.int("rotary_embedding_dim", default: 0)
    guard rotated == 0 || rotated == 2 * half else {
      throw .invalid("attribute 'rotary_embedding_dim' is \(rotated), but the caches have \(half) columns")
    }
    var count = try node.int("num_heads", default: 0)
    if rotated == 0, b.shape(of: x).count == 3, half > 0 {
      count = try b.requireConstant(b.shape(of: x)[2], "the width of all heads") / (2 * half)
    }
    if let stated = try node.int("num_heads"), stated > 0, stated != count {
      throw .invalid("attribute 'num_heads' is \(stated), but there are \(count) heads of \(2 * half) elements")
    }
    let heads = try Heads(x, count: count, "the argument", &b)
    var rotation = Rotation(
      cosines: cosines, sines: sines, rotated: 2 * half, isInterleaved: try node.flag("interleaved"), precision: .f32)
    let (rows, isOffset) = (b.shape(of: cosines)[0], !isMultimodal && b.shape(of: positions).count == 1)
    let extents = heads.extents(b)
    if !isMultimodal {
      try b.requireShape(positions, isOffset ? [1] : [extents.batch, extents.sequence], "the positions")
    }
    try b.checkIndices(
      positions, extents: [isOffset ? rows - extents.sequence + 1 : rows], allowsNegative: false)
    if isMultimodal {
      let sections = try sections(node, half)
      rotation.cosines = try picked(cosines, positions, sections, &b)
      rotation.sines = try picked(sines, positions, sections, &b)
    } else if isOffset {
      rotation.offset = positions
    } else {
      rotation.positions = positions
    }
    return [b.reshape(try b.turned(heads, by: rotation).value, b.shape(of: x))]
  }

  /// The kind of position of every column: time, height or width.
  private func sections(_ node: OperatorNode, _ columns: Int) throws(ModelError) -> [Int] {
    guard let sizes = try node.ints("mrope_section"), sizes.count == 3, sizes.allSatisfy({ (0...columns).contains($0) }),
      sizes.reduce(0, +) == columns
    else { throw .invalid("attribute 'mrope_section' must have 3 numbers that sum up to \(columns)") }
    let isInterleaved = try node.flag("mrope_layout")
    return (0..<columns).map { column in
      guard isInterleaved else { return column < sizes[0] ? 0 : column < sizes[0] + sizes[1] ? 1 : 2 }
      let kind = column % 3
      return kind > 0 && column < 3 * sizes[kind] ? kind : 0
    }
  }

  /// Rows of a cache as [batch, sequence, columns], with the row of every column by its kind of position.
  private func picked(_ cache: ValueID, _ positions: ValueID, _ sections: [Int], _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let (shape, type) = (b.shape(of: positions), b.type(of: cache))
    let message = "the positions have shape \(shape), not [3, batch, sequence]"
    guard shape.count == 3 else { throw .invalid(message) }
    try b.requireEqual(shape[0], 3, message)
    let kinds = b.constant(.integers(sections))
    var body = ScalarGraph()
    let column = body.axis(2)
    let kind = body.read(2, [column], type: .i64)
    let row = body.wrappedIndex(
      body.read(1, [kind, body.axis(0), body.axis(1)], type: .i64), extent: type.shape[0])
    body.results = [body.read(0, [row, column], type: type.element)]
    return b.map([shape[1], shape[2], type.shape[1]], body, [cache, positions, kinds])
  }
}

extension GraphBuilder {
  /// The number of columns of caches of cosines and sines, which have the same shape of rank 2.
  mutating func angleColumns(_ cosines: ValueID, _ sines: ValueID) throws(ModelError) -> Int {
    let shape = self.shape(of: cosines)
    guard shape.count == 2 else { throw .invalid("the cache of angles has rank \(shape.count), not 2") }
    try requireShape(sines, shape, "the other cache of angles")
    return try requireConstant(shape[1], "the number of columns of the caches of angles")
  }
}

/// Queries and keys times cosines, plus their turned forms times sines.
struct GemmaRotaryEmbedding: Operator {
  let name = OperatorName("GemmaRotaryEmbedding", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let angles = try node.input(0)
    try b.requireFloat(angles)
    let shape = b.shape(of: angles)
    guard shape.count == 3 else { throw .invalid("the angles have rank \(shape.count), not 3") }
    let aligned = b.reshape(angles, [shape[0], 1, shape[1], shape[2]])
    func embedded(_ position: Int) throws(ModelError) -> ValueID {
      let operands = [aligned, try node.input(position), try node.input(position + 1)]
      try b.requireFloat(operands[1])
      try b.requireSameType(Array(operands[1...]))
      let element = b.type(of: operands[1]).element
      return try b.elementwise(operands) { graph, values in
        let cosine = graph.cast(graph.unary(.cos, values[0]), to: element)
        let sine = graph.cast(graph.unary(.sin, values[0]), to: element)
        return graph.plus(graph.times(values[1], cosine), graph.times(values[2], sine))
      }
    }
    return [try embedded(1), try embedded(3)]
  }
}

/// Rotary embeddings of ONNX Runtime.
let microsoftRotaryEmbeddings: [any Operator] = [
  GemmaRotaryEmbedding(),
  MicrosoftRotaryEmbedding(
    name: OperatorName("MRotaryEmbedding", domain: "com.microsoft", versions: 1), isMultimodal: true),
  MicrosoftRotaryEmbedding(
    name: OperatorName("RotaryEmbedding", domain: "com.microsoft", versions: 1), isMultimodal: false),
]
