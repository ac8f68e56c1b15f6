import Support
import TensorIR

/// Ranges of positions with a step along some axes.
struct Slice: Operator {
  let name = OperatorName("Slice", versions: 1, 10, 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    var starts: [Dim]
    var ends: [Dim]
    var axes = try node.ints("axes")
    var steps: [Int]?
    if node.version < 10 {
      starts = try (node.ints("starts") ?? []).map { Dim($0) }
      ends = try (node.ints("ends") ?? []).map { Dim($0) }
    } else {
      if try !isKnown(node, b) { return [try measured(x, node, &b)] }
      starts = try b.requireIntegers(try node.input(1), "the starts")
      ends = try b.requireIntegers(try node.input(2), "the ends")
      if let argument = node.optionalInput(3) { axes = try b.requireConstantIntegers(argument, "the axes") }
      if let argument = node.optionalInput(4) { steps = try b.requireConstantIntegers(argument, "the steps") }
    }
    let places = axes ?? Array(0..<starts.count)
    let strides = steps ?? [Int](repeating: 1, count: starts.count)
    guard starts.count == ends.count, places.count == starts.count, strides.count == starts.count,
      places.count <= type.rank
    else { throw .invalid("starts, ends, axes and steps have different lengths") }
    var shape = type.shape
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    for (position, given) in places.enumerated() {
      let axis = try normalizedAxis(given, rank: type.rank, name: "axes:")
      guard strides[position] != 0 else { throw .invalid("a step is 0") }
      // Steps beyond all extents take one element, and must not overflow.
      let step = min(max(strides[position], -Int(Int32.max)), Int(Int32.max))
      let range = SliceRange(from: starts[position], to: ends[position], by: step, extent: type.shape[axis])
      shape[axis] = range.count
      indices[axis] = body.affine(body.axis(axis), scale: step, offset: range.start)
    }
    if shape == type.shape, indices == shape.indices.map({ body.axis($0) }) { return [x] }
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(shape, body, [x])]
  }

  private func isKnown(_ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) -> Bool {
    for position in 1..<node.arguments.count {
      guard let argument = node.optionalInput(position) else { continue }
      guard let known = b.knownIntegers(argument), position < 3 || known.constants != nil else { return false }
    }
    return true
  }

  /// The slice with bounds, axes or steps that only a call knows.
  private func measured(_ x: ValueID, _ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    let starts = try b.integerVector(try node.input(1), "the starts")
    let ends = try b.integerVector(try node.input(2), "the ends")
    guard let count = b.shape(of: starts)[0].constant, count <= type.rank else {
      throw .invalid("there are more starts than axes")
    }
    let axes = try node.optionalInput(3).map { (value) throws(ModelError) in try b.integerVector(value, "the axes") }
      ?? b.constant(.integers(Array(0..<count)))
    let steps = try node.optionalInput(4).map { (value) throws(ModelError) in try b.integerVector(value, "the steps") }
      ?? b.constant(.integers([Int](repeating: 1, count: count)))
    let operands = [starts, ends, axes, steps]
    guard operands.allSatisfy({ b.shape(of: $0) == [Dim(count)] }) else {
      throw .invalid("starts, ends, axes and steps have different lengths")
    }
    let fixed = try b.knownIntegers(axes)?.constants?.map { (axis) throws(ModelError) in
      try normalizedAxis(axis, rank: type.rank, name: "axes:")
    }
    let touched = type.shape.indices.filter { fixed?.contains($0) ?? true }
    func ranges(_ graph: inout ScalarGraph) -> [MeasuredRange] {
      let given = fixed?.map { graph.integer($0) } ?? graph.axes(2, count: count, rank: type.rank)
      return touched.map { MeasuredRange(axis: $0, extent: type.shape[$0], given, fixed, &graph) }
    }
    let counts = b.computedExtents("slice", operands) { graph in
      ranges(&graph).map(\.count) + (fixed == nil ? graph.axes(2, count: count, rank: type.rank) : [])
    }
    b.assume(zip(touched, counts).map { DimFact($1, .atMost, type.shape[$0]) })
    guard let origins = b.computedVector(operands, { graph in ranges(&graph).flatMap { [$0.start, $0.step] } }) else {
      return x
    }
    var shape = type.shape
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    let known = b.partlyKnownIntegers(origins)
    for (position, axis) in touched.enumerated() {
      shape[axis] = counts[position]
      func number(_ index: Int) -> ScalarID {
        known?[index].map { body.dim($0) } ?? body.read(1, [body.integer(index)], type: .i64)
      }
      indices[axis] = body.plus(number(2 * position), body.times(indices[axis], number(2 * position + 1)))
    }
    body.results = [body.read(0, indices, type: type.element)]
    return b.map(shape, body, [x, origins])
  }
}

/// The positions that a slice takes along one axis, as scalars over the operands starts, ends, axes and steps.
private struct MeasuredRange {
  var start: ScalarID
  var step: ScalarID
  /// -1 for a step of 0.
  var count: ScalarID

  init(axis: Int, extent: Dim, _ axes: [ScalarID], _ fixed: [Int]?, _ graph: inout ScalarGraph) {
    let zero = graph.integer(0)
    let one = graph.integer(1)
    let end = graph.dim(extent)
    let last = graph.dim(extent - 1)
    var (first, until, stride) = (zero, end, one)
    for (position, given) in axes.enumerated() where fixed == nil || fixed?[position] == axis {
      let isHere = graph.compare(.equal, given, graph.integer(axis))
      func argument(_ operand: Int) -> ScalarID { graph.read(operand, [graph.integer(position)], type: .i64) }
      func chosen(_ operand: Int, _ other: ScalarID) -> ScalarID {
        fixed == nil ? graph.select(isHere, argument(operand), other) : argument(operand)
      }
      (first, until, stride) = (chosen(0, first), chosen(1, until), chosen(3, stride))
    }
    func fromFront(_ bound: ScalarID) -> ScalarID {
      graph.select(graph.compare(.less, bound, zero), graph.plus(bound, end), bound)
    }
    func clamped(_ value: ScalarID, _ low: ScalarID, _ high: ScalarID) -> ScalarID {
      graph.binary(.min, graph.binary(.max, value, low), high)
    }
    // Steps beyond the extent take one element, and must not overflow.
    let reach = graph.dim(extent + 1)
    step = clamped(stride, graph.negate(reach), reach)
    (first, until) = (fromFront(first), fromFront(until))
    let isForward = graph.compare(.greater, step, zero)
    let forward = clamped(first, zero, end)
    let backward = clamped(first, zero, last)
    let size = graph.binary(.max, graph.unary(.abs, step), one)
    func steps(_ distance: ScalarID) -> ScalarID {
      let rounded = graph.plus(distance, graph.minus(size, one))
      return graph.binary(.max, graph.binary(.floorDivide, rounded, size), zero)
    }
    let up = steps(graph.minus(clamped(until, zero, end), forward))
    let down = steps(graph.minus(backward, clamped(until, graph.integer(-1), last)))
    start = graph.select(isForward, forward, backward)
    let isStill = graph.compare(.equal, step, zero)
    count = graph.select(isStill, graph.integer(-1), graph.select(isForward, up, down))
  }
}

/// The positions that a slice takes along one axis.
///
/// A symbolic bound whose sign is not certain counts as not negative.
struct SliceRange {
  var start: Dim
  var count: Dim

  init(from first: Dim, to last: Dim, by step: Int, extent: Dim) {
    func fromFront(_ bound: Dim) -> Dim {
      (-bound).lowerBound ?? -1 >= 1 || bound.constant ?? 0 < 0 ? bound + extent : bound
    }
    func isBeyondAll(_ bound: Dim) -> Bool { bound.constant ?? 0 >= Int(Int32.max) }
    func isBeforeAll(_ bound: Dim) -> Bool { bound.constant ?? 0 <= -Int(Int32.max) }
    func clamped(_ bound: Dim, _ low: Dim, _ high: Dim) -> Dim {
      if isBeyondAll(bound) { return high }
      if isBeforeAll(bound) { return low }
      let bound = fromFront(bound)
      return bound == high ? high : .maximum(.minimum(bound, high), low)
    }
    if step > 0 {
      start = clamped(first, 0, extent)
      let end = clamped(last, 0, extent)
      count = .maximum((end - start + (step - 1)).floorDivided(by: Dim(step)), 0)
    } else {
      start = clamped(first, 0, extent - 1)
      let end = clamped(last, -1, extent - 1)
      // Without elements there is none to start from.
      count = .minimum(.maximum((start - end + (-step - 1)).floorDivided(by: Dim(-step)), 0), extent)
    }
  }
}
