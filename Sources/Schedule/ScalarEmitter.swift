import LoopIR
import Support
import TensorIR

/// Emits a scalar graph as Loop IR expressions at one position, or at a vector of positions along one axis.
///
/// Values that do not vary along the vector axis stay scalar. The graph is legal: see `legalized(encodingResults:)`.
struct ScalarEmitter {
  let graph: ScalarGraph
  let operands: [View]
  /// Extents of the iteration axes, for proofs that reads are in bounds.
  let extents: [Dim]
  /// Scalar position along each axis; of the vector axis, that of lane 0.
  let axes: [Expr]
  let vectorAxis: Int?
  let lanes: Int
  /// With a partial vector, the number of valid lanes.
  let count: Expr?
  let accumulators: [Expr]
  private let uses: [Int]
  private var values: [Expr?]
  private(set) var statements: [Statement] = []

  init(
    _ graph: ScalarGraph, operands: [View], extents: [Dim], axes: [Expr], vectorAxis: Int? = nil, lanes: Int = 1,
    count: Expr? = nil, accumulators: [Expr] = []
  ) {
    self.graph = graph
    self.operands = operands
    self.extents = extents
    self.axes = axes
    self.vectorAxis = lanes > 1 ? vectorAxis : nil
    self.lanes = lanes
    self.count = count
    self.accumulators = accumulators
    var uses = [Int](repeating: 0, count: graph.nodes.count)
    for id in graph.reachable { for operand in ScalarGraph.operands(of: graph[id]) { uses[operand.index] += 1 } }
    self.uses = uses
    values = [Expr?](repeating: nil, count: graph.nodes.count)
  }

  /// The value of a result of the graph, with all lanes.
  mutating func result(_ position: Int, in builder: inout KernelBuilder) -> Expr {
    wide(emit(graph.results[position], in: &builder))
  }

  /// Computes the reads of emitters that differ in their positions, one read of each in turn, so that long chains of
  /// reads that wait for each other overlap.
  static func readInTurn(_ emitters: inout [ScalarEmitter], in builder: inout KernelBuilder) -> [Statement] {
    var statements: [Statement] = []
    guard let graph = emitters.first?.graph else { return [] }
    builder.staysScalar = true
    for id in graph.reachable {
      guard case .read = graph[id] else { continue }
      for index in emitters.indices where emitters[index].values[id.index] == nil {
        let value = emitters[index].compute(id, in: &builder)
        emitters[index].values[id.index] = emitters[index].bind(value, in: &builder)
        statements += emitters[index].takeStatements()
      }
    }
    return statements
  }

  /// The statements so far, which are then no longer part of the emitter.
  mutating func takeStatements() -> [Statement] {
    defer { statements = [] }
    return statements
  }

  private func wide(_ value: Expr) -> Expr {
    lanes > 1 && value.type.lanes == 1 ? .splat(value, lanes: lanes) : value
  }

  private mutating func emit(_ id: ScalarID, in builder: inout KernelBuilder) -> Expr {
    if let done = values[id.index] { return done }
    let value = compute(id, in: &builder)
    let shared = uses[id.index] > 1 && !isTrivial(value)
    let result = shared ? bind(value, in: &builder) : value
    values[id.index] = result
    return result
  }

  private func isTrivial(_ value: Expr) -> Bool {
    switch value {
    case .integer, .float, .variable, .symbol: true
    case .load, .gather, .splat, .ramp, .unary, .binary, .compare, .select, .multiplyAdd, .multiplyAddGroups, .cast,
      .bitcast, .shuffle, .reduceLanes:
      false
    }
  }

  private mutating func bind(_ value: Expr, in builder: inout KernelBuilder) -> Expr {
    let variable = builder.variable(value.type)
    statements.append(.bind(variable, value))
    return .variable(variable)
  }

  private mutating func compute(_ id: ScalarID, in builder: inout KernelBuilder) -> Expr {
    switch graph[id] {
    case .literal(.integer(let value), let type): return .integer(value, type)
    case .literal(.floatBits(let bits), let type): return .float(Double(bitPattern: bits), type)
    case .dim(let dim): return dim.expr
    case .axis(let axis): return axis == vectorAxis ? vectorPosition(axis) : axes[axis]
    case .accumulator(let position, _): return accumulators[position]
    case .read(let operand, let indices, let outside): return read(operand, indices, outside, in: &builder)
    case .unary(let op, let a): return .unary(loopOp(op), emit(a, in: &builder))
    case .binary(let op, let a, let b):
      let (x, y) = pair(a, b, in: &builder)
      return .binary(loopOp(op), x, safeDivisor(op, y))
    case .compare(let op, let a, let b):
      let (x, y) = pair(a, b, in: &builder)
      return .compare(loopOp(op), x, y)
    case .select(let c, let a, let b):
      let condition = emit(c, in: &builder)
      let (x, y) = pair(a, b, in: &builder)
      if condition.type.lanes == 1 && x.type.lanes == 1 { return .select(condition, x, y) }
      return .select(wide(condition), wide(x), wide(y))
    case .multiplyAdd(let a, let b, let c):
      let (x, y, z) = (emit(a, in: &builder), emit(b, in: &builder), emit(c, in: &builder))
      let isScalar = x.type.lanes == 1 && y.type.lanes == 1 && z.type.lanes == 1
      return isScalar ? .multiplyAdd(x, y, z) : .multiplyAdd(wide(x), wide(y), wide(z))
    case .cast(let type, let a): return .cast(type, emit(a, in: &builder))
    case .bitcast(let type, let a): return .bitcast(type, emit(a, in: &builder))
    }
  }

  /// Integer divisors with 1 in the lanes beyond the last valid one, where masked loads give 0.
  private func safeDivisor(_ op: ScalarBinary, _ divisor: Expr) -> Expr {
    switch op {
    case .divide, .remainder, .floorDivide, .floorRemainder:
      guard let count, divisor.type.lanes > 1, !divisor.type.element.isFloat else { return divisor }
      if case .splat = divisor { return divisor }
      return .select(isValid(count), divisor, .splat(.integer(1, divisor.type.element), lanes: lanes))
    case .add, .subtract, .multiply, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight, .power, .atan2: return divisor
    }
  }

  /// Which lanes are valid.
  private func isValid(_ count: Expr) -> Expr {
    .compare(.less, .ramp(.index(0), stride: 1, lanes: lanes), .splat(count, lanes: lanes))
  }

  /// Lane positions; beyond the last valid lane they repeat the last position, so that gathers stay in bounds.
  private func vectorPosition(_ axis: Int) -> Expr {
    let ramp = Expr.ramp(axes[axis], stride: 1, lanes: lanes)
    guard count != nil else { return ramp }
    return .binary(.min, ramp, .splat((extents[axis] - 1).expr, lanes: lanes))
  }

  private mutating func pair(_ a: ScalarID, _ b: ScalarID, in builder: inout KernelBuilder) -> (Expr, Expr) {
    let x = emit(a, in: &builder)
    let y = emit(b, in: &builder)
    return x.type.lanes == y.type.lanes ? (x, y) : (wide(x), wide(y))
  }

  /// Whether a node's value differs between lanes.
  private mutating func isVarying(_ id: ScalarID, in builder: inout KernelBuilder) -> Bool {
    lanes > 1 && emit(id, in: &builder).type.lanes > 1
  }

  private mutating func read(
    _ operand: Int, _ indices: [ScalarID], _ outside: ScalarID?, in builder: inout KernelBuilder
  ) -> Expr {
    let view = operands[operand]
    let forms = indices.map { LinearForm($0, in: graph) }
    guard let outside else { return load(view, forms, in: &builder) }
    if view.shape.contains(0) { return emit(outside, in: &builder) }
    let unproven = forms.indices.filter { !isInBounds(forms[$0], view.shape[$0]) }
    if unproven.isEmpty { return load(view, forms, in: &builder) }
    let positions = unproven.map { value(of: forms[$0], in: &builder) }
    if positions.allSatisfy({ $0.type.lanes == 1 }) {
      return guardedLoad(view, forms, zip(unproven, positions).map { ($1, view.shape[$0]) }, outside, in: &builder)
    }
    return clampedGather(view, forms, unproven, positions, outside, in: &builder)
  }

  private func isInBounds(_ form: LinearForm, _ extent: Dim) -> Bool {
    AffineIndex(form)?.isWithin(extent, over: extents) ?? false
  }

  private mutating func guardedLoad(
    _ view: View, _ forms: [LinearForm], _ checks: [(position: Expr, extent: Dim)], _ outside: ScalarID,
    in builder: inout KernelBuilder
  ) -> Expr {
    let fallback = emit(outside, in: &builder)
    var condition: Expr?
    for check in checks {
      let inside = Expr.binary(
        .and, .compare(.greaterOrEqual, check.position, .index(0)), .compare(.less, check.position, check.extent.expr))
      condition = condition.map { .binary(.and, $0, inside) } ?? inside
    }
    guard let condition else { return load(view, forms, in: &builder) }
    // Values bound inside the condition are out of scope after it.
    let outer = statements
    let known = values
    statements = []
    let loaded = load(view, forms, in: &builder)
    let inner = statements
    values = known
    let wideFallback = loaded.type.lanes > 1 ? wide(fallback) : fallback
    let value = loaded.type.lanes == 1 && fallback.type.lanes > 1 ? wide(loaded) : loaded
    let variable = builder.variable(value.type)
    statements = outer
    statements.append(.declare(variable, wideFallback))
    statements.append(.conditional(condition, then: inner + [.assign(variable, value)], otherwise: []))
    return .variable(variable)
  }

  private mutating func clampedGather(
    _ view: View, _ forms: [LinearForm], _ unproven: [Int], _ positions: [Expr], _ outside: ScalarID,
    in builder: inout KernelBuilder
  ) -> Expr {
    var condition: Expr?
    var offset: Expr = .splat(.index(0), lanes: lanes)
    for axis in forms.indices {
      var position: Expr
      if let checked = unproven.firstIndex(of: axis) {
        position = bind(wide(positions[checked]), in: &builder)
        let last = Expr.splat((view.shape[axis] - 1).expr, lanes: lanes)
        let zero = Expr.splat(.index(0), lanes: lanes)
        let inside = Expr.binary(
          .and, .compare(.greaterOrEqual, position, zero), .compare(.lessOrEqual, position, last))
        condition = condition.map { .binary(.and, $0, inside) } ?? inside
        position = .binary(.max, .binary(.min, position, last), zero)
      } else {
        position = wide(value(of: forms[axis], in: &builder))
      }
      offset = .binary(.add, offset, .binary(.multiply, position, .splat(view.strides[axis].expr, lanes: lanes)))
    }
    let loaded = Expr.gather(view.buffer, indices: offset)
    let fallback = wide(emit(outside, in: &builder))
    guard let condition else { return loaded }
    return .select(condition, loaded, fallback)
  }

  /// The value of a linear form, scalar or with lanes.
  private mutating func value(of form: LinearForm, in builder: inout KernelBuilder) -> Expr {
    var scalar = form.constant.expr
    var vector: Expr?
    for (axis, coefficient) in form.axes.sorted(by: { $0.key < $1.key }) {
      if axis == vectorAxis {
        let term = Expr.binary(.multiply, vectorPosition(axis), .splat(coefficient.expr, lanes: lanes))
        vector = coefficient == 1 ? vectorPosition(axis) : term
      } else {
        scalar = scalar + axes[axis] * coefficient.expr
      }
    }
    for (id, coefficient) in form.others.sorted(by: { $0.key.index < $1.key.index }) {
      let other = emit(id, in: &builder)
      if other.type.lanes > 1 {
        let term = Expr.binary(.multiply, other, .splat(coefficient.expr, lanes: lanes))
        vector = vector.map { .binary(.add, $0, term) } ?? term
      } else {
        scalar = scalar + other * coefficient.expr
      }
    }
    guard let vector else { return scalar }
    return scalar.integerValue == 0 ? vector : .binary(.add, vector, .splat(scalar, lanes: lanes))
  }

  private mutating func load(_ view: View, _ forms: [LinearForm], in builder: inout KernelBuilder) -> Expr {
    var offset = LinearForm()
    for (form, stride) in zip(forms, view.strides) { offset.add(form, times: stride) }
    var varies = false
    for id in offset.others.keys.sorted(by: { $0.index < $1.index }) where isVarying(id, in: &builder) { varies = true }
    guard let axis = vectorAxis, varies || offset.axes[axis] != nil else {
      return .load(view.buffer, index: value(of: offset, in: &builder), lanes: 1, count: nil)
    }
    if !varies && offset.axes[axis] == 1 {
      offset.axes[axis] = nil
      let start = value(of: offset, in: &builder) + axes[axis]
      return .load(view.buffer, index: start, lanes: lanes, count: count)
    }
    let indices = wide(value(of: offset, in: &builder))
    guard let count, varies else { return .gather(view.buffer, indices: indices) }
    // Beyond the last valid lane masked loads give 0, which need not lead to an index in bounds.
    return .gather(view.buffer, indices: .select(isValid(count), indices, .splat(.index(0), lanes: lanes)))
  }
}

private func loopOp(_ op: ScalarUnary) -> UnaryOp {
  switch op {
  case .negate: .negate
  case .abs: .abs
  case .not: .not
  case .sqrt: .sqrt
  case .floor: .floor
  case .ceil: .ceil
  case .trunc: .trunc
  case .rint: .rint
  case .popcount: .popcount
  case .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh, .acosh, .atanh, .erf, .sigmoid,
    .log1p, .expm1, .decay:
    fatalError("\(op) must be expanded before lowering")
  }
}

private func loopOp(_ op: ScalarBinary) -> BinaryOp {
  switch op {
  case .add: .add
  case .subtract: .subtract
  case .multiply: .multiply
  case .divide: .divide
  case .remainder: .remainder
  case .floorDivide: .floorDivide
  case .floorRemainder: .floorRemainder
  case .min: .min
  case .max: .max
  case .and: .and
  case .or: .or
  case .xor: .xor
  case .shiftLeft: .shiftLeft
  case .shiftRight: .shiftRight
  case .power, .atan2: fatalError("\(op) must be expanded before lowering")
  }
}

private func loopOp(_ op: ScalarCompare) -> CompareOp {
  switch op {
  case .equal: .equal
  case .notEqual: .notEqual
  case .less: .less
  case .lessOrEqual: .lessOrEqual
  case .greater: .greater
  case .greaterOrEqual: .greaterOrEqual
  }
}
