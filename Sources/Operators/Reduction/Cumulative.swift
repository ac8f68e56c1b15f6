import Support
import TensorIR

/// Running sums or products along an axis.
struct Cumulative: Operator {
  let name: OperatorName
  let combiner: Combiner
  let op: ScalarBinary
  /// The running value before the first element.
  let start: Double
  /// Up to this extent every result is computed on its own, which vectorizes and fuses.
  private let directLimit = 64

  init(_ name: String, versions: [Int], _ combiner: Combiner, _ op: ScalarBinary, start: Double) {
    self.name = OperatorName(name, versions: versions)
    self.combiner = combiner
    self.op = op
    self.start = start
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    guard let argument = try axesArgument(node, since: 1, b) else { throw .invalid("the axis is missing") }
    guard case .known(let given) = argument else { return [try measured(x, argument, node, &b)] }
    guard given.count == 1 else { throw .invalid("the axis must be one number") }
    let axis = try normalizedAxis(given[0], rank: type.rank)
    let isExclusive = try node.flag("exclusive")
    let isReverse = try node.flag("reverse")
    if let extent = type.shape[axis].constant, extent <= directLimit {
      return [direct(x, axis, isExclusive, isReverse, &b)]
    }
    return [try b.running(x, axis: axis, op, start: start, isExclusive: isExclusive, isReverse: isReverse)]
  }

  /// Along an axis that only a call knows: the axes before and after it become one each.
  private func measured(_ x: ValueID, _ argument: AxesArgument, _ node: OperatorNode, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let shape = b.shape(of: x)
    let (vector, count) = try argument.vector(&b)
    guard count == 1, !shape.isEmpty else { throw .invalid("the axis must be one number within the rank") }
    let extents = b.computedExtents("extent", [vector]) { graph in graph.folded(shape, around: 0, rank: shape.count) }
    let most = shape.map { Dim.maximum($0, 1) }.product
    b.assume([DimFact(extents[0] * extents[2], .atMost, most)])
    let folded = b.reshape(x, Array(extents.prefix(3)))
    let result = try b.running(
      folded, axis: 1, op, start: start, isExclusive: try node.flag("exclusive"), isReverse: try node.flag("reverse"))
    return b.reshape(result, shape)
  }

  private func direct(_ x: ValueID, _ axis: Int, _ isExclusive: Bool, _ isReverse: Bool, _ b: inout GraphBuilder)
    -> ValueID
  {
    let type = b.type(of: x)
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.axis($0) }
    let (here, other) = (indices[axis], body.axis(type.rank))
    indices[axis] = other
    let comparison: ScalarCompare
    switch (isExclusive, isReverse) {
    case (false, false): comparison = .lessOrEqual
    case (false, true): comparison = .greaterOrEqual
    case (true, false): comparison = .less
    case (true, true): comparison = .greater
    }
    let counts = body.compare(comparison, other, here)
    let value = body.read(0, indices, type: type.element)
    body.results = [body.select(counts, value, body.number(start, type.element))]
    return b.reduce(combiner, shape: type.shape, reduced: [type.shape[axis]], operands: [x], body: body)[0]
  }
}

extension GraphBuilder {
  /// Running combinations along an axis, one step after the other.
  mutating func running(
    _ x: ValueID, axis: Int, _ op: ScalarBinary, start: Double, isExclusive: Bool = false, isReverse: Bool = false
  ) throws(ModelError) -> ValueID {
    let type = type(of: x)
    let order = [axis] + type.shape.indices.filter { $0 != axis }
    let moved = transpose(x, order)
    let rest = TensorType(type.element, order.dropFirst().map { type.shape[$0] })
    var inner = GraphBuilder(inside: self)
    _ = inner.input(TensorType(.i64, []))
    let state = inner.input(rest)
    let slice = inner.input(rest)
    let next = try inner.elementwise([state, slice]) { $0.binary(op, $1[0], $1[1]) }
    let scan = Scan(
      length: type.shape[axis], carried: 1, scanned: 1, reversedInputs: [isReverse], reversedOutputs: [isReverse],
      body: inner.finish(outputs: [next, isExclusive ? state : next]))
    let initial = try broadcast(scalar(start, type.element), to: rest.shape)
    let stacked = add(.scan(scan), [initial, moved])[1]
    return transpose(stacked, type.shape.indices.map { axis in order.firstIndex(of: axis) ?? axis })
  }
}

/// CumSum and CumProd.
let cumulativeOperators: [any Operator] = [
  Cumulative("CumSum", versions: [11, 14], .sum, .add, start: 0),
  Cumulative("CumProd", versions: [26], .product, .multiply, start: 1),
]
