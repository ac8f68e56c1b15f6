import Support
import TensorIR

/// Computes with `f16` numbers in `f32`, and keeps what only computations read in `f32`, so that fewer of them are rounded.
///
/// They are rounded where a result is one of the graph's, or goes to a node other than maps and sums, and before what a small
/// difference changes by more: comparisons, conversions and positions.
func widenHalves(_ graph: Graph) -> Graph {
  let wide = graph.widenedHalves
  var result = graph
  for value in wide { result.values[value.index].type = TensorType(.f32, graph.shape(of: value)) }
  for (position, node) in graph.nodes.enumerated() {
    let isWide = node.results.map(wide.contains)
    func widened(_ body: ScalarGraph, rounds: Bool = false, results: [Bool]) -> ScalarGraph {
      var widening = HalfWidening(source: body, operands: node.operands.map(wide.contains))
      return widening.run(results, rounds: rounds)
    }
    switch node.primitive {
    case .map(var map):
      map.body = widened(map.body, results: isWide)
      result.nodes[position].primitive = .map(map)
    case .reduce(var reduce):
      reduce.body = widened(reduce.body, rounds: reduce.combiner.hasPosition, results: [true])
      reduce.epilogue = widened(reduce.epilogue, results: isWide)
      result.nodes[position].primitive = .reduce(reduce)
    case .contract(var contract):
      if contract.accumulator == .f16 { contract.accumulator = .f32 }
      contract.epilogue = widened(contract.epilogue, results: isWide)
      result.nodes[position].primitive = .contract(contract)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: break
    }
  }
  return result
}

extension Graph {
  /// The `f16` results of maps and sums, perhaps reshaped, that nothing else reads. Maps over constants alone stay: they may be factors.
  fileprivate var widenedHalves: Set<ValueID> {
    let producers = producers()
    var wide: Set<ValueID> = []
    for node in nodes {
      let isComputed = switch node.primitive {
      case .map, .reduce: !node.operands.allSatisfy { isConstant($0, producers) }
      case .contract: true
      case .reshape: wide.contains(node.operands[0])
      case .constant, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: false
      }
      if isComputed { wide.formUnion(node.results.filter { type(of: $0).element == .f16 }) }
    }
    wide.subtract(outputs)
    for node in nodes.reversed() {
      switch node.primitive {
      case .map, .reduce, .contract: continue
      case .reshape: if wide.contains(node.results[0]) { continue }
      case .constant, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: break
      }
      wide.subtract(node.operands)
    }
    for node in nodes {
      if case .reshape = node.primitive, !wide.contains(node.operands[0]) { wide.subtract(node.results) }
    }
    return wide
  }
}

/// Rebuilds a scalar graph with `f32` numbers for those of `f16`.
private struct HalfWidening {
  let source: ScalarGraph
  /// Whether operands are `f32` now.
  let operands: [Bool]
  private var graph = ScalarGraph()
  private var copies: [ScalarID?]

  init(source: ScalarGraph, operands: [Bool]) {
    self.source = source
    self.operands = operands
    copies = [ScalarID?](repeating: nil, count: source.nodes.count)
  }

  mutating func run(_ results: [Bool], rounds: Bool) -> ScalarGraph {
    for id in source.reachable { copies[id.index] = copy(id) }
    graph.results = zip(source.results, results).map { result, isWide in
      guard isHalf(result) else { return copied(result) }
      if isWide { return rounds ? rounded(result) : copied(result) }
      return graph.cast(copied(result), to: .f16)
    }
    return graph
  }

  private func isHalf(_ id: ScalarID) -> Bool { source.type(of: id) == .f16 }

  private func copied(_ id: ScalarID) -> ScalarID {
    guard let copy = copies[id.index] else { fatalError("node \(id.index) follows its use") }
    return copy
  }

  /// A number as it is where a node tells apart what rounding makes equal.
  private mutating func rounded(_ id: ScalarID) -> ScalarID {
    guard isHalf(id) else { return copied(id) }
    switch source[id] {
    case .literal, .read, .accumulator, .bitcast: return copied(id)
    case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .dim, .axis:
      return graph.cast(graph.cast(copied(id), to: .f16), to: .f32)
    }
  }

  private mutating func copy(_ id: ScalarID) -> ScalarID {
    switch source[id] {
    case .literal(let literal, .f16):
      return graph.number(Scalar.round(literal.double, .f16), .f32)
    case .literal, .dim, .axis: return graph.add(source[id], type: source.type(of: id))
    case .read(let operand, let indices, let outside):
      let positions = indices.map(copied)
      let isWide = isHalf(id) && operands[operand]
      let fallback = outside.map { isHalf(id) && !isWide ? graph.cast(copied($0), to: .f16) : copied($0) }
      let value = graph.read(operand, positions, outside: fallback, type: isWide ? .f32 : source.type(of: id))
      return isHalf(id) ? graph.cast(value, to: .f32) : value
    case .accumulator(let position, let type): return graph.accumulator(position, type == .f16 ? .f32 : type)
    case .unary(let op, let a): return graph.unary(op, op.isContinuous ? copied(a) : rounded(a))
    case .binary(let op, let a, let b):
      return op.isContinuous ? graph.binary(op, copied(a), copied(b)) : graph.binary(op, rounded(a), rounded(b))
    case .compare(let op, let a, let b): return graph.compare(op, rounded(a), rounded(b))
    case .select(let c, let a, let b): return graph.select(copied(c), copied(a), copied(b))
    case .multiplyAdd(let a, let b, let c): return graph.multiplyAdd(copied(a), copied(b), copied(c))
    case .cast(let target, let a):
      if target == .f16 { return graph.cast(copied(a), to: .f32) }
      return graph.cast(target == .f32 || target == .f64 ? copied(a) : rounded(a), to: target)
    case .bitcast(let target, let a):
      let bits = isHalf(a) ? graph.cast(copied(a), to: .f16) : copied(a)
      return isHalf(id) ? graph.cast(graph.bitcast(bits, to: .f16), to: .f32) : graph.bitcast(bits, to: target)
    }
  }
}

extension ScalarUnary {
  /// Whether nearly equal numbers give nearly equal results.
  fileprivate var isContinuous: Bool {
    switch self {
    case .negate, .abs, .sqrt, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh, .acosh,
      .atanh, .erf, .sigmoid, .log1p, .expm1, .decay:
      true
    case .floor, .ceil, .trunc, .rint, .not, .popcount: false
    }
  }
}

extension ScalarBinary {
  /// Whether nearly equal numbers give nearly equal results.
  fileprivate var isContinuous: Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .min, .max, .power, .atan2: true
    case .remainder, .floorDivide, .floorRemainder, .and, .or, .xor, .shiftLeft, .shiftRight: false
    }
  }
}
