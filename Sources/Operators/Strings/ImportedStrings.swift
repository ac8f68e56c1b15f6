import ONNXReader
import Support
import TensorIR

/// A tensor of strings: where each of them lies in a vector of bytes.
public struct ImportedStrings: Hashable, Sendable {
  /// An `i64` tensor of the strings' shape, with `start << 32 | count` for each; so 0 is an empty string.
  public var spans: ValueID
  /// The `u8` vector that holds the bytes.
  public var bytes: ValueID

  /// Bytes of one string, and of all strings of a tensor, that spans can express.
  static let countLimit = 1 << 31
}

extension ScalarGraph {
  /// Where the string of a span begins.
  mutating func start(ofSpan span: ScalarID) -> ScalarID { binary(.shiftRight, span, integer(32)) }

  /// The number of bytes in the string of a span.
  mutating func count(ofSpan span: ScalarID) -> ScalarID { binary(.and, span, integer(0xffff_ffff)) }

  /// The span of a string.
  mutating func span(start: ScalarID, count: ScalarID) -> ScalarID {
    binary(.or, binary(.shiftLeft, start, integer(32)), count)
  }

  /// A byte of the string of a span as `i32`, from an operand that holds bytes; -1 behind the end.
  mutating func byte(_ operand: Int, ofSpan span: ScalarID, at position: ScalarID) -> ScalarID {
    let value = read(operand, [plus(start(ofSpan: span), position)], outside: integer(0, .u8), type: .u8)
    return select(compare(.less, position, count(ofSpan: span)), cast(value, to: .i32), integer(-1, .i32))
  }
}

extension GraphBuilder {
  /// Constant strings.
  mutating func strings(_ tensor: TensorData) -> ImportedStrings {
    let parts = tensor.stringParts
    return ImportedStrings(
      spans: constant(ConstantTensor(parts.spans)), bytes: constant(ConstantTensor(parts.bytes)))
  }

  /// A constant vector of strings.
  mutating func strings(_ values: [[UInt8]]) -> ImportedStrings {
    strings(TensorData(dims: [values.count], strings: values))
  }

  func shape(of strings: ImportedStrings) -> [Dim] { shape(of: strings.spans) }

  /// The strings if they are constant.
  func constantValue(_ strings: ImportedStrings) -> TensorData? {
    guard let spans = constantValue(strings.spans), let bytes = constantValue(strings.bytes) else { return nil }
    return TensorData(
      spans: TensorData(element: .i64, dims: spans.dims, bytes: spans.bytes),
      bytes: TensorData(element: .u8, dims: bytes.dims, bytes: bytes.bytes))
  }

  /// Strings that are an input, whose spans a call checks.
  mutating func stringInput(_ shape: [Dim], name: String, size: Dim) -> ImportedStrings {
    let spans = input(TensorType(.i64, shape), name: name)
    let bytes = input(TensorType(.u8, [size]), name: "\(name).bytes")
    assume([DimFact(size, .atMost, Dim(ImportedStrings.countLimit))])
    var body = ScalarGraph()
    let span = body.read(0, shape.indices.map { body.axis($0) }, type: .i64)
    let start = body.start(ofSpan: span)
    let end = body.plus(start, body.count(ofSpan: span))
    body.results = [
      body.binary(.or, body.compare(.less, start, body.integer(0)), body.compare(.greater, end, body.dim(size)))
    ]
    fail(.indexOutOfRange, ifAny: body, over: shape, [spans])
    return ImportedStrings(spans: spans, bytes: bytes)
  }

  /// The number of bytes in the longest string.
  mutating func longest(_ strings: ImportedStrings) -> Dim {
    let shape = shape(of: strings)
    var body = ScalarGraph()
    let span = body.read(0, shape.indices.map { body.axis($0) }, type: .i64)
    body.results = [body.count(ofSpan: span)]
    let length = reduce(
      .max, shape: [], reduced: shape, operands: [strings.spans], body: body,
      epilogue: { graph, values in [graph.binary(.max, values[0], graph.integer(0))] })[0]
    let result = measured(reshape(length, [1]), as: "longest")[0]
    if result.constant == nil { assume([DimFact(result, .atMost, self.shape(of: strings.bytes)[0])]) }
    return result
  }

  /// Tensors of strings with their bytes in one vector.
  mutating func merged(_ tensors: [ImportedStrings]) -> [ImportedStrings] {
    var pools: [ValueID] = []
    for tensor in tensors where !pools.contains(tensor.bytes) { pools.append(tensor.bytes) }
    guard pools.count > 1 else { return tensors }
    var starts: [ValueID: Dim] = [:]
    var total = Dim(0)
    for pool in pools {
      starts[pool] = total
      total = total + shape(of: pool)[0]
    }
    let bytes = concatenate(pools, axis: 0)
    return tensors.map { tensor in
      let shape = shape(of: tensor)
      var body = ScalarGraph()
      let span = body.read(0, shape.indices.map { body.axis($0) }, type: .i64)
      body.results = [body.plus(span, body.dim((starts[tensor.bytes] ?? 0) * (1 << 32)))]
      return ImportedStrings(spans: map(shape, body, [tensor.spans]), bytes: bytes)
    }
  }

  /// Whether strings are equal, broadcast.
  mutating func areEqual(_ a: ImportedStrings, _ b: ImportedStrings) throws(ModelError) -> ValueID {
    let shape = try broadcast([self.shape(of: a), self.shape(of: b)])
    var body = ScalarGraph()
    let first = body.broadcastRead(0, type(of: a.spans), in: shape)
    let second = body.broadcastRead(1, type(of: b.spans), in: shape)
    let position = body.axis(shape.count)
    let bytes = [body.byte(2, ofSpan: first, at: position), body.byte(3, ofSpan: second, at: position)]
    let isEqual = body.all([
      body.compare(.equal, body.count(ofSpan: first), body.count(ofSpan: second)),
      body.compare(.equal, bytes[0], bytes[1]),
    ])
    body.results = [body.cast(isEqual, to: .i32)]
    // One position more than the longest has: lengths are compared even if all strings are empty.
    return reduce(
      .min, shape: shape, reduced: [longest(a) + 1], operands: [a.spans, b.spans, a.bytes, b.bytes], body: body,
      epilogue: { graph, values in [graph.compare(.notEqual, values[0], graph.integer(0, .i32))] })[0]
  }
}
