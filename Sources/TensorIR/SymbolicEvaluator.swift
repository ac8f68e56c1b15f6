import Support

/// Evaluates small integer tensors element by element over symbolic integers, so that shape arithmetic disappears.
enum SymbolicEvaluator {
  /// Tensors with more elements are not followed.
  static let limit = 4096

  /// The elements of a single-result map, reduce or reshape of integers, nil where one is not known; nil if none is.
  static func evaluate(
    _ primitive: Primitive, _ operands: [[Dim?]?], _ operandTypes: [TensorType], _ types: [TensorType]
  ) -> [Dim?]? {
    guard types.count == 1, let dims = types[0].shape.constants, Evaluator.count(dims) <= limit else { return nil }
    switch primitive {
    case .reshape: return operands[0]
    case .map(let map):
      guard types[0].element == .i64 || types[0].element == .i32 || types[0].element == .bool,
        let known = tensors(operands, operandTypes)
      else { return nil }
      var results: [Dim?] = []
      for position in 0..<Evaluator.count(dims) {
        var memo: [ScalarID: Dim] = [:]
        let axes = delinearize(position, dims)
        results.append(value(map.body.results[0], map.body, axes, known, &memo))
      }
      return results.contains { $0 != nil } || results.isEmpty ? results : nil
    case .reduce(let reduce):
      guard types[0].element == .i64, let known = tensors(operands, operandTypes), let reduced = reduce.reduced.constants,
        Evaluator.count(reduced) <= limit, reduce.epilogue.nodes.count == 1
      else { return nil }
      return self.reduce(reduce, dims, reduced, known)
    case .constant, .contract, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
    }
  }

  /// The elements and extents of an operand.
  private struct Known {
    var elements: [Dim?]
    var dims: [Int]
  }

  private static func tensors(_ operands: [[Dim?]?], _ types: [TensorType]) -> [Known]? {
    var result: [Known] = []
    for (operand, type) in zip(operands, types) {
      guard let dims = type.shape.constants, operand != nil || Evaluator.count(dims) <= limit else { return nil }
      let elements = operand ?? [Dim?](repeating: nil, count: Evaluator.count(dims))
      result.append(Known(elements: elements, dims: dims))
    }
    return result
  }

  private static func reduce(_ reduce: Reduce, _ dims: [Int], _ reduced: [Int], _ operands: [Known]) -> [Dim?]? {
    var results: [Dim?] = []
    for position in 0..<Evaluator.count(dims) {
      var combined: Dim?
      for inner in 0..<Evaluator.count(reduced) {
        var memo: [ScalarID: Dim] = [:]
        let axes = delinearize(position, dims) + delinearize(inner, reduced)
        guard let next = value(reduce.body.results[0], reduce.body, axes, operands, &memo) else { return nil }
        guard let so = combined else { combined = next; continue }
        switch reduce.combiner {
        case .sum: combined = so + next
        case .product: combined = so * next
        case .min: combined = .minimum(so, next)
        case .max: combined = .maximum(so, next)
        case .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: return nil
        }
      }
      guard let combined else { return nil }
      results.append(combined)
    }
    return results
  }

  static func delinearize(_ position: Int, _ dims: [Int]) -> [Int] {
    var rest = position
    var result = [Int](repeating: 0, count: dims.count)
    for axis in dims.indices.reversed() {
      result[axis] = rest % dims[axis]
      rest /= dims[axis]
    }
    return result
  }

  private static func value(
    _ id: ScalarID, _ graph: ScalarGraph, _ axes: [Int], _ operands: [Known], _ memo: inout [ScalarID: Dim]
  ) -> Dim? {
    if let done = memo[id] { return done }
    func visit(_ id: ScalarID) -> Dim? { value(id, graph, axes, operands, &memo) }
    let result: Dim?
    switch graph[id] {
    case .literal(.integer(let value), _): result = Dim(value)
    case .literal(.floatBits, _), .accumulator, .multiplyAdd, .bitcast: result = nil
    case .unary(let op, let a): result = unary(op, a, graph, visit)
    case .dim(let dim): result = dim
    case .axis(let axis): result = Dim(axes[axis])
    case .read(let operand, let indices, let outside):
      var position = 0
      for (index, extent) in zip(indices, operands[operand].dims) {
        guard let step = visit(index)?.constant else { return nil }
        guard step >= 0, step < extent else { return outside.flatMap(visit) }
        position = position * extent + step
      }
      result = operands[operand].elements[position]
    case .binary(let op, let a, let b):
      guard let x = visit(a), let y = visit(b) else { return nil }
      result = binary(op, x, y)
    case .compare(let op, let a, let b):
      guard let x = visit(a), let y = visit(b) else { return nil }
      result = compare(op, x - y).map { Dim($0 ? 1 : 0) }
    case .select(let c, let a, let b):
      guard let condition = visit(c)?.constant else { return nil }
      result = condition != 0 ? visit(a) : visit(b)
    case .cast(let type, let a): result = type == .i64 || type == .i32 || type == .bool ? visit(a) : nil
    }
    if let result { memo[id] = result }
    return result
  }

  private static func unary(_ op: ScalarUnary, _ a: ScalarID, _ graph: ScalarGraph, _ visit: (ScalarID) -> Dim?) -> Dim? {
    guard let x = visit(a) else { return nil }
    switch op {
    case .negate: return -x
    case .abs:
      if x.lowerBound ?? -1 >= 0 { return x }
      return (-x).lowerBound ?? -1 >= 0 ? -x : nil
    case .not where graph.type(of: a) == .bool: return Dim(1) - x
    default: return nil
    }
  }

  private static func binary(_ op: ScalarBinary, _ x: Dim, _ y: Dim) -> Dim? {
    switch op {
    case .add: return x + y
    case .subtract: return x - y
    case .multiply: return x * y
    case .floorDivide: return y.lowerBound ?? 0 > 0 ? x.floorDivided(by: y) : nil
    case .divide: return x.lowerBound ?? -1 >= 0 && y.lowerBound ?? 0 > 0 ? x.floorDivided(by: y) : nil
    case .floorRemainder: return y.lowerBound ?? 0 > 0 ? x.remainder(by: y) : nil
    case .remainder: return x.lowerBound ?? -1 >= 0 && y.lowerBound ?? 0 > 0 ? x.remainder(by: y) : nil
    case .min: return .minimum(x, y)
    case .max: return .maximum(x, y)
    case .and where isTruth(x) && isTruth(y): return x * y
    case .or where isTruth(x) && isTruth(y): return x + y - x * y
    case .and, .or, .xor, .shiftLeft, .shiftRight, .power, .atan2: return nil
    }
  }

  private static func isTruth(_ value: Dim) -> Bool { value == 0 || value == 1 }

  /// Decides a comparison of a difference with 0 where its sign is certain.
  private static func compare(_ op: ScalarCompare, _ difference: Dim) -> Bool? {
    if let value = difference.constant {
      switch op {
      case .equal: return value == 0
      case .notEqual: return value != 0
      case .less: return value < 0
      case .lessOrEqual: return value <= 0
      case .greater: return value > 0
      case .greaterOrEqual: return value >= 0
      }
    }
    let atLeastZero = (difference.lowerBound ?? -1) >= 0
    let aboveZero = (difference.lowerBound ?? 0) > 0
    switch op {
    case .equal: return aboveZero ? false : nil
    case .notEqual: return aboveZero ? true : nil
    case .less: return atLeastZero ? false : nil
    case .lessOrEqual: return aboveZero ? false : nil
    case .greater: return aboveZero ? true : nil
    case .greaterOrEqual: return atLeastZero ? true : nil
    }
  }
}
