import Glibc
import Support

/// The values of one scalar node at a block of positions.
enum Lanes {
  case integers([Int])
  case floats([Double])

  func repeated(_ count: Int) -> Lanes {
    switch self {
    case .integers(let values): .integers([Int](repeating: values[0], count: count))
    case .floats(let values): .floats([Double](repeating: values[0], count: count))
    }
  }

  func encoded(_ element: ElementType) -> [UInt8] {
    switch self {
    case .integers(let values): ConstantTensor.encode(element, values)
    case .floats(let values): ConstantTensor.encode(element, values)
    }
  }
}

/// Runs a scalar graph over blocks of positions.
struct BlockMachine {
  static let width = 512

  let graph: ScalarGraph
  let order: [ScalarID]
  let operands: [Lanes]
  let dims: [[Int]]

  init(_ graph: ScalarGraph, _ operands: [ConstantTensor]) {
    self.graph = graph
    order = graph.reachable
    self.operands = operands.map { $0.type.element.isFloat ? .floats($0.doubles) : .integers($0.integers) }
    dims = operands.map(\.dims)
  }

  /// The results at a block; nil if an element cannot be computed, such as a division by zero.
  func run(axes: [Lanes], accumulators: [Lanes], count: Int) -> [Lanes]? {
    var values = [Lanes?](repeating: nil, count: graph.nodes.count)
    func integers(_ id: ScalarID) -> [Int] {
      if case .integers(let lanes)? = values[id.index] { return lanes }
      fatalError("node \(id.index) has no integer lanes")
    }
    for id in order {
      let element = graph.type(of: id)
      switch graph[id] {
      case .literal(.integer(let value), _): values[id.index] = .integers([Int](repeating: value, count: count))
      case .literal(.floatBits(let bits), _):
        let value = Scalar.round(Double(bitPattern: bits), element)
        values[id.index] = .floats([Double](repeating: value, count: count))
      case .dim: return nil
      case .axis(let axis): values[id.index] = axes[axis]
      case .accumulator(let position, _): values[id.index] = accumulators[position]
      case .read(let operand, let indices, let outside):
        values[id.index] = read(operand, indices.map(integers), outside.flatMap { values[$0.index] }, count)
        if values[id.index] == nil { return nil }
      case .unary(let op, let a):
        switch values[a.index] {
        case .floats(let x)?: values[id.index] = .floats(x.map { Scalar.round(Scalar.unary(op, $0), element) })
        case .integers(let x)?: values[id.index] = .integers(x.map { Scalar.unary(op, $0, element) })
        case nil: return nil
        }
      case .binary(let op, let a, let b):
        guard let lanes = binary(op, values[a.index], values[b.index], element) else { return nil }
        values[id.index] = lanes
      case .compare(let op, let a, let b):
        let type = graph.type(of: a)
        switch (values[a.index], values[b.index]) {
        case (.floats(let x)?, .floats(let y)?):
          values[id.index] = .integers(zip(x, y).map { Scalar.compare(op, $0, $1) ? 1 : 0 })
        case (.integers(let x)?, .integers(let y)?):
          values[id.index] = .integers(zip(x, y).map { Scalar.compare(op, $0, $1, type) ? 1 : 0 })
        default: return nil
        }
      case .select(let c, let a, let b):
        let condition = integers(c)
        switch (values[a.index], values[b.index]) {
        case (.floats(let x)?, .floats(let y)?):
          values[id.index] = .floats((0..<count).map { condition[$0] != 0 ? x[$0] : y[$0] })
        case (.integers(let x)?, .integers(let y)?):
          values[id.index] = .integers((0..<count).map { condition[$0] != 0 ? x[$0] : y[$0] })
        default: return nil
        }
      case .multiplyAdd(let a, let b, let c):
        guard case .floats(let x)? = values[a.index], case .floats(let y)? = values[b.index],
          case .floats(let z)? = values[c.index]
        else { return nil }
        values[id.index] = .floats((0..<count).map { Scalar.round(fma(x[$0], y[$0], z[$0]), element) })
      case .cast(let target, let a):
        guard let source = values[a.index] else { return nil }
        values[id.index] = BlockMachine.cast(source, graph.type(of: a), target)
      case .bitcast(let target, let a):
        guard let lanes = values[a.index].flatMap({ BlockMachine.bitcast($0, graph.type(of: a), target) }) else {
          return nil
        }
        values[id.index] = lanes
      }
    }
    return graph.results.compactMap { values[$0.index] }
  }

  private func binary(_ op: ScalarBinary, _ a: Lanes?, _ b: Lanes?, _ element: ElementType) -> Lanes? {
    switch (a, b) {
    case (.floats(let x)?, .floats(let y)?):
      return .floats(zip(x, y).map { Scalar.round(Scalar.binary(op, $0, $1), element) })
    case (.integers(let x)?, .integers(let y)?):
      var result: [Int] = []
      result.reserveCapacity(x.count)
      for (left, right) in zip(x, y) {
        guard let value = Scalar.binary(op, left, right, element) else { return nil }
        result.append(value)
      }
      return .integers(result)
    default: return nil
    }
  }

  private static func cast(_ lanes: Lanes, _ source: ElementType, _ target: ElementType) -> Lanes {
    switch lanes {
    case .floats(let x):
      return target.isFloat
        ? .floats(x.map { Scalar.float($0, target) }) : .integers(x.map { Scalar.integer($0, target) })
    case .integers(let x):
      guard target.isFloat else { return .integers(x.map { Scalar.wrap($0, target) }) }
      if source == .u64 { return .floats(x.map { Scalar.round(Double(UInt(bitPattern: $0)), target) }) }
      if target == .f32 { return .floats(x.map { Double(Float($0)) }) }
      return .floats(x.map { Scalar.round(Double($0), target) })
    }
  }

  /// The same bits as another type; nil for pairs of types that no code has.
  private static func bitcast(_ lanes: Lanes, _ source: ElementType, _ target: ElementType) -> Lanes? {
    func number(_ bits: Int) -> Double { Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) }
    return switch (lanes, source, target) {
    case (.floats(let x), .f32, .u32), (.floats(let x), .f32, .i32):
      .integers(x.map { Scalar.wrap(Int(Float($0).bitPattern), target) })
    case (.floats(let x), .f64, .u64), (.floats(let x), .f64, .i64):
      .integers(x.map { Int(bitPattern: UInt($0.bitPattern)) })
    case (.integers(let x), .u32, .f32), (.integers(let x), .i32, .f32): .floats(x.map { number($0) })
    case (.integers(let x), .u64, .f64), (.integers(let x), .i64, .f64):
      .floats(x.map { Double(bitPattern: UInt64(bitPattern: Int64($0))) })
    case (.integers(let x), .u32, .i32), (.integers(let x), .i32, .u32), (.integers(let x), .u64, .i64),
      (.integers(let x), .i64, .u64):
      .integers(x.map { Scalar.wrap($0, target) })
    case (.integers(let x), .u16, .bf16): .floats(x.map { number($0 << 16) })
    default: nil
    }
  }

  private func read(_ operand: Int, _ indices: [[Int]], _ outside: Lanes?, _ count: Int) -> Lanes? {
    var positions = [Int](repeating: 0, count: count)
    var inside = [Bool](repeating: true, count: count)
    for (axis, column) in indices.enumerated() {
      let extent = dims[operand][axis]
      for lane in 0..<count {
        if column[lane] < 0 || column[lane] >= extent { inside[lane] = false }
        positions[lane] = positions[lane] &* extent &+ column[lane]
      }
    }
    if outside == nil, inside.contains(false) { return nil }
    switch operands[operand] {
    case .integers(let values):
      guard case .integers(let fallback) = outside ?? .integers([]) else { return nil }
      return .integers((0..<count).map { inside[$0] ? values[positions[$0]] : fallback[$0] })
    case .floats(let values):
      guard case .floats(let fallback) = outside ?? .floats([]) else { return nil }
      return .floats((0..<count).map { inside[$0] ? values[positions[$0]] : fallback[$0] })
    }
  }
}
