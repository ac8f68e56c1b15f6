import Glibc
import Support

/// Evaluates primitives on constants: the meaning that folding uses and that tests compare back ends with.
///
/// Scalars are computed in double or 64-bit integer arithmetic and rounded to their type after every operation.
public enum Evaluator {
  /// The results, or nil if the primitive, a type or the amount of work is outside what is evaluated at compile time.
  public static func evaluate(_ primitive: Primitive, _ operands: [ConstantTensor], workLimit: Int = .max)
    -> [ConstantTensor]?
  {
    guard operands.allSatisfy({ isEvaluated($0.type.element) }) else { return nil }
    switch primitive {
    case .constant(let constant): return [constant]
    case .reshape(let shape): return shape.constants.map { [operands[0].reshaped($0)] }
    case .map(let map):
      guard let dims = map.shape.constants, isEvaluated(map.body), count(dims) <= workLimit else { return nil }
      return self.map(map.body, dims, operands).map { [$0] }
    case .reduce(let reduce):
      guard let dims = reduce.shape.constants, let inner = reduce.reduced.constants, isEvaluated(reduce.body),
        isEvaluated(reduce.epilogue), count(dims + inner) <= workLimit
      else { return nil }
      return self.reduce(reduce, dims, inner, operands)
    case .contract(let contract):
      guard contract.shape.constants != nil, contract.reduced.constants != nil, isEvaluated(contract.epilogue) else { return nil }
      return evaluate(.reduce(contract.asReduce(operands.map(\.type))), operands, workLimit: workLimit)
    case .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
    }
  }

  /// The number of elements, or `Int.max` where that overflows.
  static func count(_ dims: [Int]) -> Int { dims.map { Dim($0) }.product.constant ?? 0 }

  /// Whether elements of a type are numbers that can be computed with.
  public static func isEvaluated(_ element: ElementType) -> Bool {
    switch element {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f16, .bf16, .f32, .f64, .i4, .u4, .i2, .u2, .f4e2m1,
      .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0:
      true
    case .c64, .c128, .string: false
    }
  }

  private static func isEvaluated(_ graph: ScalarGraph) -> Bool {
    graph.reachable.allSatisfy { id in
      if case .dim = graph[id] { return false }
      return isEvaluated(graph.type(of: id))
    }
  }

  private static func map(_ body: ScalarGraph, _ dims: [Int], _ operands: [ConstantTensor]) -> ConstantTensor? {
    let element = body.type(of: body.results[0])
    let total = count(dims)
    let machine = BlockMachine(body, operands)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(total * element.bytes)
    var start = 0
    while start < total {
      let end = Swift.min(start + BlockMachine.width, total)
      guard let lanes = machine.run(axes: axisLanes(dims, start..<end), accumulators: [], count: end - start) else { return nil }
      bytes += lanes[0].encoded(element)
      start = end
    }
    return ConstantTensor(element, dims: dims, bytes: bytes)
  }

  private static func axisLanes(_ dims: [Int], _ range: Range<Int>) -> [Lanes] {
    var columns = dims.map { _ in [Int](repeating: 0, count: range.count) }
    for (lane, position) in range.enumerated() {
      var rest = position
      for axis in dims.indices.reversed() {
        columns[axis][lane] = rest % dims[axis]
        rest /= dims[axis]
      }
    }
    return columns.map { .integers($0) }
  }

  private static func reduce(_ reduce: Reduce, _ dims: [Int], _ inner: [Int], _ operands: [ConstantTensor])
    -> [ConstantTensor]?
  {
    let machine = BlockMachine(reduce.body, operands)
    let finish = BlockMachine(reduce.epilogue, operands)
    let element = reduce.body.type(of: reduce.body.results[0])
    var outputs = reduce.epilogue.results.map { (reduce.epilogue.type(of: $0), [UInt8]()) }
    let steps = count(inner)
    for position in 0..<count(dims) {
      var state = Accumulator(reduce.combiner, element)
      let outer = axisLanes(dims, position..<position + 1)
      var start = 0
      while start < steps {
        let end = Swift.min(start + BlockMachine.width, steps)
        let repeated = outer.map { $0.repeated(end - start) }
        guard
          let lanes = machine.run(axes: repeated + axisLanes(inner, start..<end), accumulators: [], count: end - start)
        else { return nil }
        state.combine(lanes[0], from: start)
        start = end
      }
      guard let lanes = finish.run(axes: outer, accumulators: state.lanes, count: 1) else { return nil }
      for (index, lane) in lanes.enumerated() { outputs[index].1 += lane.encoded(outputs[index].0) }
    }
    return outputs.map { ConstantTensor($0.0, dims: dims, bytes: $0.1) }
  }
}

/// The running value of one reduction.
private struct Accumulator {
  let combiner: Combiner
  let element: ElementType
  var integer: Int
  var float: Double
  var position = 0
  var isEmpty = true

  init(_ combiner: Combiner, _ element: ElementType) {
    self.combiner = combiner
    self.element = element
    let identity = combiner.identity(element)
    switch identity {
    case .integer(let value): (integer, float) = (value, 0)
    case .floatBits(let bits): (integer, float) = (0, Double(bitPattern: bits))
    }
  }

  var lanes: [Lanes] {
    let value: Lanes = element.isFloat ? .floats([float]) : .integers([integer])
    return combiner.hasPosition ? [value, .integers([position])] : [value]
  }

  mutating func combine(_ lanes: Lanes, from start: Int) {
    switch lanes {
    case .integers(let values): for (index, value) in values.enumerated() { combine(value, start + index) }
    case .floats(let values): for (index, value) in values.enumerated() { combine(value, start + index) }
    }
  }

  private mutating func combine(_ value: Int, _ index: Int) {
    switch combiner {
    case .sum: integer = Scalar.wrap(integer &+ value, element)
    case .product: integer = Scalar.wrap(integer &* value, element)
    case .min: integer = Scalar.less(value, integer, element) ? value : integer
    case .max: integer = Scalar.less(integer, value, element) ? value : integer
    case .argMinFirst: if isEmpty || Scalar.less(value, integer, element) { (integer, position) = (value, index) }
    case .argMinLast: if isEmpty || !Scalar.less(integer, value, element) { (integer, position) = (value, index) }
    case .argMaxFirst: if isEmpty || Scalar.less(integer, value, element) { (integer, position) = (value, index) }
    case .argMaxLast: if isEmpty || !Scalar.less(value, integer, element) { (integer, position) = (value, index) }
    }
    isEmpty = false
  }

  private mutating func combine(_ value: Double, _ index: Int) {
    switch combiner {
    case .sum: float = Scalar.round(float + value, element)
    case .product: float = Scalar.round(float * value, element)
    case .min: float = float.isNaN || value.isNaN ? .nan : Swift.min(float, value)
    case .max: float = float.isNaN || value.isNaN ? .nan : Swift.max(float, value)
    case .argMinFirst: if isEmpty || value < float { (float, position) = (value, index) }
    case .argMinLast: if isEmpty || value <= float { (float, position) = (value, index) }
    case .argMaxFirst: if isEmpty || value > float { (float, position) = (value, index) }
    case .argMaxLast: if isEmpty || value >= float { (float, position) = (value, index) }
    }
    isEmpty = false
  }
}

extension Combiner {
  /// The value that combines with x to x.
  public func identity(_ element: ElementType) -> Literal {
    switch self {
    case .sum: return element.isFloat ? .float(0) : .integer(0)
    case .product: return element.isFloat ? .float(1) : .integer(1)
    case .min, .argMinFirst, .argMinLast: return element.isFloat ? .float(.infinity) : .integer(Scalar.greatest(element))
    case .max, .argMaxFirst, .argMaxLast: return element.isFloat ? .float(-.infinity) : .integer(Scalar.least(element))
    }
  }
}
