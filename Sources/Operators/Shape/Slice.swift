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
      let range = SliceRange(
        from: starts[position], to: ends[position], by: strides[position], extent: type.shape[axis])
      shape[axis] = range.count
      indices[axis] = body.affine(body.axis(axis), scale: strides[position], offset: range.start)
    }
    if shape == type.shape, indices == shape.indices.map({ body.axis($0) }) { return [x] }
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(shape, body, [x])]
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
      return .maximum(.minimum(fromFront(bound), high), low)
    }
    if step > 0 {
      start = clamped(first, 0, extent)
      let end = clamped(last, 0, extent)
      count = .maximum((end - start + (step - 1)).floorDivided(by: Dim(step)), 0)
    } else {
      start = clamped(first, 0, extent - 1)
      let end = clamped(last, -1, extent - 1)
      count = .maximum((start - end + (-step - 1)).floorDivided(by: Dim(-step)), 0)
    }
  }
}
