import Support
import TensorIR

/// Replaces costly functions of one byte, or of a float that a clamp keeps among as many integers, by tables of their values.
///
/// Quantized models have many: what lies between two quantizations, such as a sigmoid and a product with it, depends on nothing
/// but the byte before it.
func tabulateBytes(_ graph: Graph) -> Graph {
  var result = graph
  var tables: [ConstantTensor: ValueID] = [:]
  result.nodes = []
  for var node in graph.nodes {
    if node.results.contains(where: { graph.elements(of: $0) >= leastElements }) {
      node.primitive.rewriteScalars { body in
        body.tabulated { table in
          let known = tables[table] ?? result.add(.constant(table), [], origin: node.origin)
          tables[table] = known
          node.operands.append(known)
          return node.operands.count - 1
        }
      }
    }
    result.nodes.append(node)
  }
  return result
}

/// Elements of a tensor from which on a table pays.
private let leastElements = 1024

/// Simple operations that take as long as reading a table.
private let leastCost = 24

extension Graph {
  /// Elements of a value; as many as there may be where extents are open.
  fileprivate func elements(of value: ValueID) -> Int {
    shape(of: value).constants.map { $0.reduce(1, *) } ?? .max
  }
}

/// What a scalar node depends on.
private enum Source: Equatable {
  case nothing
  /// A node that has few values.
  case byte(ScalarID)
  case other
}

extension ScalarGraph {
  /// The graph with tables, which `table` gives operands of.
  fileprivate func tabulated(table: (ConstantTensor) -> Int) -> ScalarGraph {
    let functions = functionsOfBytes
    if functions.isEmpty { return self }
    var replaced = ScalarGraph()
    replaced.results = replaced.insert(self) { graph, node, copied in
      guard let id = self.id(of: node), let byte = functions[id], let domain = domain(byte),
        let values = values(of: id, byte, domain)
      else { return nil }
      let element = values.type.element
      let position = graph.position(copied(byte), domain)
      return graph.cast(graph.read(table(values), [position], type: element), to: type(of: id))
    }
    return replaced.pruned()
  }

  /// The nodes that become tables, with what they are functions of.
  private var functionsOfBytes: [ScalarID: ScalarID] {
    let order = reachable
    var sources = [Source](repeating: .other, count: nodes.count)
    for id in order { sources[id.index] = source(id, sources) }
    var last = Set(results)
    for id in order {
      for operand in ScalarGraph.operands(of: self[id]) where sources[operand.index] != sources[id.index] {
        last.insert(operand)
      }
    }
    var functions: [ScalarID: ScalarID] = [:]
    for id in last {
      guard case .byte(let byte) = sources[id.index], byte != id, type(of: id) == .f32 || type(of: id).isShortInteger,
        cost(id, down: byte) >= leastCost
      else { continue }
      functions[id] = byte
    }
    return functions
  }

  private func source(_ id: ScalarID, _ sources: [Source]) -> Source {
    var joined = Source.nothing
    switch self[id] {
    case .literal: return .nothing
    case .dim, .axis, .read, .accumulator: joined = .other
    case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      for operand in ScalarGraph.operands(of: self[id]) where sources[operand.index] != .nothing {
        let source = sources[operand.index]
        joined = joined == .nothing || joined == source ? source : .other
      }
    }
    return joined == .other && domain(id) != nil ? .byte(id) : joined
  }

  /// The integers that a node may be, if they are few.
  private func domain(_ id: ScalarID) -> ClosedRange<Int>? {
    switch type(of: id) {
    case .u8: return 0...255
    case .i8: return -128...127
    case .f32: return clampedIntegers(id).flatMap { $0.count <= 256 ? $0 : nil }
    case .bool, .i2, .i4, .i16, .i32, .i64, .u2, .u4, .u16, .u32, .u64, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz,
      .f8e8m0, .f16, .bf16, .f64, .c64, .c128, .string:
      return nil
    }
  }

  /// Simple operations from one node to another one.
  private func cost(_ id: ScalarID, down byte: ScalarID) -> Int {
    var needed: Set<ScalarID> = [id]
    var sum = 0
    for node in reachable(from: [id]).reversed() where needed.contains(node) && node != byte {
      needed.formUnion(ScalarGraph.operands(of: self[node]))
      sum += operations(self[node])
    }
    return sum
  }

  private func operations(_ node: ScalarNode) -> Int {
    switch node {
    case .literal, .dim, .axis, .read, .accumulator, .bitcast: 0
    case .compare, .select, .multiplyAdd, .cast: 1
    case .unary(let op, _):
      switch op {
      case .negate, .abs, .not, .popcount: 1
      case .floor, .ceil, .trunc, .rint: 2
      case .sqrt: 8
      case .exp, .decay, .log, .log1p, .expm1, .tanh, .sigmoid, .erf, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh,
        .asinh, .acosh, .atanh:
        24
      }
    case .binary(let op, _, let divisor):
      switch op {
      case .add, .subtract, .multiply, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight: 1
      case .divide: numberValue(divisor) == nil ? 8 : 3
      case .remainder, .floorDivide, .floorRemainder: 8
      case .power, .atan2: 24
      }
    }
  }

  /// The values of a node for all of a byte's, and for more up to a power of two; nil where one cannot be computed.
  private func values(of id: ScalarID, _ byte: ScalarID, _ domain: ClosedRange<Int>) -> ConstantTensor? {
    var function = self
    function.results = [id]
    var body = ScalarGraph()
    let results = body.insert(function) { body, node, _ in
      guard self.id(of: node) == byte else { return nil }
      let number = body.binary(.add, body.axis(0), body.integer(domain.lowerBound))
      return body.cast(number, to: type(of: byte))
    }
    body.results = [body.cast(results[0], to: type(of: id).isFloat ? .f32 : .i32)]
    let map = Map(shape: [Dim(domain.count.nextPowerOfTwo)], body: body.pruned())
    return ConstantFormula(map: map, operands: []).values()
  }

  /// Where a byte's value is in a table; NaN is anywhere.
  fileprivate mutating func position(_ byte: ScalarID, _ domain: ClosedRange<Int>) -> ScalarID {
    var number = cast(byte, to: .i32)
    if domain.lowerBound != 0 { number = binary(.subtract, number, integer(domain.lowerBound, .i32)) }
    if type(of: byte) == .f32 { number = binary(.and, number, integer(domain.count.nextPowerOfTwo - 1, .i32)) }
    return cast(number, to: .i64)
  }
}

extension ElementType {
  /// Whether `i32` holds all numbers of an integer type.
  fileprivate var isShortInteger: Bool { isInteger && (bits < 32 || self == .i32) }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
