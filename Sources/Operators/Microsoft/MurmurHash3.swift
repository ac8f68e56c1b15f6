import Support
import TensorIR

/// The 32-bit MurmurHash3 of the bytes of every element.
struct MurmurHash3: ContainerOperator {
  let name = OperatorName("MurmurHash3", domain: "com.microsoft", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let seed = Int(UInt32(truncatingIfNeeded: try node.int("seed", default: 0)))
    let target: ElementType = try node.flag("positive", default: true) ? .u32 : .i32
    if case .strings(let strings) = try node.value(0) {
      return [.tensor(b.murmurHashes(strings, seed: seed, as: target))]
    }
    let x = try node.input(0)
    try b.require(x, "the argument", isOneOf: .u32, .i32, .u64, .i64, .f32, .f64)
    let hashes = try b.elementwise([x]) { graph, values in
      let words = graph.words(values[0])
      let mixed = words.reduce(graph.integer(seed, .u32)) { graph.mixed($0, $1) }
      return graph.bitcast(graph.finished(mixed, count: graph.integer(4 * words.count, .u32)), to: target)
    }
    return [.tensor(hashes)]
  }
}

extension GraphBuilder {
  /// The hashes of strings, whose whole words a scan mixes.
  fileprivate mutating func murmurHashes(_ strings: ImportedStrings, seed: Int, as target: ElementType) -> ValueID {
    let shape = shape(of: strings)
    var inner = GraphBuilder(inside: self)
    let operands = [
      inner.input(TensorType(.i64, [])), inner.input(TensorType(.u32, shape)), inner.input(type(of: strings.spans)),
      inner.input(type(of: strings.bytes)),
    ]
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    let (hash, span) = (body.read(1, axes, type: .u32), body.read(2, axes, type: .i64))
    let start = body.affine(body.read(0, [], type: .i64), scale: 4, offset: 0)
    let isWhole = body.compare(.lessOrEqual, body.affine(start, scale: 1, offset: 4), body.count(ofSpan: span))
    let word = body.word(3, ofSpan: span, at: start, bytes: 4)
    body.results = [body.select(isWhole, body.mixed(hash, word), hash)]
    let next = inner.map(shape, body, operands)
    let scan = Scan(
      length: longest(strings).floorDivided(by: 4), carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: [next]))
    var first = ScalarGraph()
    first.results = [first.integer(seed, .u32)]
    let mixed = add(.scan(scan), [map(shape, first, []), strings.spans, strings.bytes])[0]
    var rest = ScalarGraph()
    let own = rest.read(1, axes.indices.map { rest.axis($0) }, type: .i64)
    let count = rest.count(ofSpan: own)
    let end = rest.binary(.and, count, rest.integer(~3))
    let last = rest.scrambled(rest.word(2, ofSpan: own, at: end, bytes: 3))
    let whole = rest.read(0, axes.indices.map { rest.axis($0) }, type: .u32)
    let result = rest.finished(rest.binary(.xor, whole, last), count: rest.cast(count, to: .u32))
    rest.results = [rest.bitcast(result, to: target)]
    return map(shape, rest, [mixed, strings.spans, strings.bytes])
  }
}

extension ScalarGraph {
  /// The bits of a number as 32-bit words, the low one first.
  fileprivate mutating func words(_ x: ScalarID) -> [ScalarID] {
    guard type(of: x).bits == 64 else { return [bitcast(x, to: .u32)] }
    let bits = bitcast(x, to: .u64)
    return [cast(bits, to: .u32), cast(binary(.shiftRight, bits, integer(32, .u64)), to: .u32)]
  }

  /// Bytes of a string from a position on as a word, the low one first, with zeros behind the end.
  fileprivate mutating func word(_ operand: Int, ofSpan span: ScalarID, at position: ScalarID, bytes: Int) -> ScalarID {
    (0..<bytes).reduce(integer(0, .u32)) { word, index in
      let value = byte(operand, ofSpan: span, at: affine(position, scale: 1, offset: Dim(index)))
      let positive = cast(binary(.max, value, integer(0, .i32)), to: .u32)
      return binary(.or, word, binary(.shiftLeft, positive, integer(8 * index, .u32)))
    }
  }

  fileprivate mutating func scrambled(_ word: ScalarID) -> ScalarID {
    times(rotated(times(word, integer(0xcc9e_2d51, .u32)), by: 15), integer(0x1b87_3593, .u32))
  }

  /// A hash with one more word.
  fileprivate mutating func mixed(_ hash: ScalarID, _ word: ScalarID) -> ScalarID {
    let turned = rotated(binary(.xor, hash, scrambled(word)), by: 13)
    return plus(times(turned, integer(5, .u32)), integer(0xe654_6b64, .u32))
  }

  /// The hash of `count` bytes that are mixed.
  fileprivate mutating func finished(_ hash: ScalarID, count: ScalarID) -> ScalarID {
    var hash = binary(.xor, hash, count)
    for (shift, factor) in [(16, 0x85eb_ca6b), (13, 0xc2b2_ae35)] {
      hash = times(folded(hash, by: shift), integer(factor, .u32))
    }
    return folded(hash, by: 16)
  }

  fileprivate mutating func rotated(_ x: ScalarID, by count: Int) -> ScalarID {
    let high = binary(.shiftLeft, x, integer(count, .u32))
    return binary(.or, high, binary(.shiftRight, x, integer(32 - count, .u32)))
  }

  /// `x ^ (x >> count)`.
  fileprivate mutating func folded(_ x: ScalarID, by count: Int) -> ScalarID {
    binary(.xor, x, binary(.shiftRight, x, integer(count, .u32)))
  }
}
