import Support
import TensorIR

/// Regions of interest pooled from bilinear samples.
struct RoiAlign: Operator {
  let name = OperatorName("RoiAlign", versions: 10, 16, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    try b.requireFloat(x)
    let regions = try RoiRegions(node, &b)
    let samples = try node.int("sampling_ratio", default: 0)
    let mode = try node.string("mode", default: "avg").lowercased()
    guard mode == "avg" || mode == "max" else { throw .invalid("attribute 'mode' is '\(mode)'") }
    guard samples >= 0, samples < 1 << 15 else { throw .invalid("attribute 'sampling_ratio' is \(samples)") }
    if samples == 0 {
      return [mode == "avg" ? try adaptiveMean(x, regions, &b) : try adaptiveMaximum(x, regions, &b)]
    }
    // Axes: region, channel, row, column; then sample rows and columns.
    var body = ScalarGraph()
    let places = (0..<2).map { axis in
      let (start, bin) = regions.bins(axis, &body)
      let sample = body.affineNumber(body.cast(body.axis(4 + axis), to: regions.wide), 1, 0.5)
      let offset = body.over(body.times(sample, bin), body.number(Double(samples), regions.wide))
      let bins = body.times(body.cast(body.axis(2 + axis), to: regions.wide), bin)
      return RoiPlace(body.plus(body.plus(start, bins), offset), extent: type.shape[2 + axis], &body)
    }
    body.results = [regions.sample(type, places, mode, &body)]
    return b.reduce(
      mode == "avg" ? .sum : .max, shape: regions.shape(type), reduced: [Dim(samples), Dim(samples)],
      operands: [x, regions.corners, regions.batches], body: body
    ) { graph, accumulators in
      var result = accumulators[0]
      if mode == "avg" { result = graph.over(result, graph.number(Double(samples * samples), regions.wide)) }
      return [graph.cast(result, to: type.element)]
    }
  }

  /// Means of as many samples as a region asks for: sums over the picture, weighted per row and per column.
  private func adaptiveMean(
    _ x: ValueID, _ regions: RoiRegions, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    var weights: [ValueID] = []
    for axis in 0..<2 {
      // Axes: region, bin, position; then samples.
      let extent = type.shape[2 + axis]
      var body = ScalarGraph()
      let (start, bin) = regions.bins(axis, &body)
      let samples = RoiSamples(start, bin, index: body.axis(1), number: body.axis(3), &body)
      let place = RoiPlace(samples.position, extent: extent, &body)
      let zero = body.number(0, regions.wide)
      let terms = place.taps.map { index, weight in
        body.select(body.compare(.equal, index, body.axis(2)), weight, zero)
      }
      let counts = body.binary(.and, samples.exists, place.isInside)
      let share = body.over(body.plus(terms[0], terms[1]), samples.count)
      body.results = [body.select(counts, share, zero)]
      weights.append(
        b.reduce(
          .sum, shape: [regions.count, Dim(regions.output[axis]), extent], reduced: [RoiSamples.limit(extent)],
          operands: [x, regions.corners], body: body)[0])
    }
    return try b.forEachRegion(x, regions.batches, weights, wide: regions.wide) {
      (inner, picture, slices) throws(ModelError) in
      let rows = try inner.matrixProduct(picture, inner.transpose(slices[1], [1, 0]), accumulator: regions.wide)
      return try inner.matrixProduct(slices[0], rows, accumulator: regions.wide)
    }
  }

  /// Maxima of as many samples as a region asks for; a sample outside of the picture is 0, and so is a region without
  /// samples.
  private func adaptiveMaximum(
    _ x: ValueID, _ regions: RoiRegions, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    var body = ScalarGraph()
    var places: [RoiPlace] = []
    var exist: [ScalarID] = []
    var leaves: [ScalarID] = []
    for axis in 0..<2 {
      let (start, bin) = regions.bins(axis, &body)
      let samples = RoiSamples(start, bin, index: body.axis(2 + axis), number: body.axis(4 + axis), &body)
      places.append(RoiPlace(samples.position, extent: type.shape[2 + axis], &body))
      exist.append(samples.exists)
      let ends = [samples.first, samples.last].map { RoiPlace($0, extent: type.shape[2 + axis], &body).isInside }
      leaves.append(body.unary(.not, body.all(ends)))
    }
    let value = regions.sample(type, places, "max", &body)
    let counts = body.all(exist)
    let low = body.extreme(.max, regions.wide)
    // Samples that are not looked at because they are outside count as 0.
    let other = body.select(body.binary(.or, leaves[0], leaves[1]), body.number(0, regions.wide), low)
    body.results = [body.select(counts, body.binary(.max, value, other), low)]
    return b.reduce(
      .max, shape: regions.shape(type), reduced: type.shape.suffix(2).map { RoiSamples.limit($0) },
      operands: [x, regions.corners, regions.batches], body: body
    ) { graph, accumulators in
      let isEmpty = graph.compare(.equal, accumulators[0], graph.extreme(.max, regions.wide))
      return [graph.cast(graph.select(isEmpty, graph.number(0, regions.wide), accumulators[0]), to: type.element)]
    }[0]
  }
}

/// Where regions lie in their pictures, and how they are divided.
private struct RoiRegions {
  /// Corners `[R, 4]`, operand 1 of the bodies that read them.
  var corners: ValueID
  /// The picture of every region, operand 2.
  var batches: ValueID
  var count: Dim
  var output: [Int]
  /// The type of coordinates and sums.
  var wide: ElementType
  private var cornerType: ElementType
  private var batchType: ElementType
  private var scale: Double
  private var isHalfPixel: Bool

  init(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) {
    let x = try node.input(0)
    corners = try node.input(1)
    batches = try node.input(2)
    let shape = b.shape(of: corners)
    guard b.shape(of: x).count == 4 else { throw .invalid("the data has shape \(b.shape(of: x)), not rank 4") }
    try b.requireShape(corners, [shape.first ?? 0, 4], "the regions")
    try b.requireShape(batches, [shape[0]], "batch_indices")
    count = shape[0]
    output = [try node.int("output_height", default: 1), try node.int("output_width", default: 1)]
    guard output.allSatisfy({ $0 > 0 }) else { throw .invalid("the output has \(output) bins") }
    scale = try node.float("spatial_scale", default: 1)
    let transformation = try node.string(
      "coordinate_transformation_mode", default: node.version < 16 ? "output_half_pixel" : "half_pixel").lowercased()
    guard transformation == "half_pixel" || transformation == "output_half_pixel" else {
      throw .invalid("attribute 'coordinate_transformation_mode' is '\(transformation)'")
    }
    isHalfPixel = transformation == "half_pixel"
    wide = b.type(of: x).element.precise
    cornerType = b.type(of: corners).element
    batchType = b.type(of: batches).element
    try b.checkIndices(batches, extents: [b.shape(of: x)[0]], allowsNegative: false)
  }

  func shape(_ type: TensorType) -> [Dim] { [count, type.shape[1]] + output.map { Dim($0) } }

  /// The start of the region at axis 0 and the extent of its bins, along an axis of the picture.
  func bins(_ axis: Int, _ graph: inout ScalarGraph) -> (start: ScalarID, bin: ScalarID) {
    func edge(_ position: Int) -> ScalarID {
      let value = graph.read(1, [graph.axis(0), graph.integer(position)], type: cornerType)
      return graph.affineNumber(graph.cast(value, to: wide), scale, isHalfPixel ? -0.5 : 0)
    }
    let start = edge(1 - axis)
    var extent = graph.minus(edge(3 - axis), start)
    if !isHalfPixel { extent = graph.binary(.max, extent, graph.number(1, wide)) }
    return (start, graph.over(extent, graph.number(Double(output[axis]), wide)))
  }

  /// The bilinear sample of operand 0 at two places, or the greatest of its terms.
  func sample(_ type: TensorType, _ places: [RoiPlace], _ mode: String, _ graph: inout ScalarGraph) -> ScalarID {
    let batch = graph.wrappedIndex(graph.read(2, [graph.axis(0)], type: batchType), extent: type.shape[0])
    var terms: [ScalarID] = []
    for (row, rowWeight) in places[0].taps {
      for (column, columnWeight) in places[1].taps {
        let value = graph.cast(graph.read(0, [batch, graph.axis(1), row, column], type: type.element), to: wide)
        terms.append(graph.times(graph.times(rowWeight, columnWeight), value))
      }
    }
    let op: ScalarBinary = mode == "avg" ? .add : .max
    let combined = terms.dropFirst().reduce(terms[0]) { graph.binary(op, $0, $1) }
    let isInside = graph.binary(.and, places[0].isInside, places[1].isInside)
    return graph.select(isInside, combined, graph.number(0, wide))
  }
}

/// The samples of a bin whose number depends on the region, from the first that may lie in the picture on.
private struct RoiSamples {
  var position: ScalarID
  /// Whether the bin has the sample.
  var exists: ScalarID
  /// The number of samples of the bin, at least 1.
  var count: ScalarID
  /// The positions of the bin's first and last samples.
  var first: ScalarID
  var last: ScalarID

  /// Samples lie more than `(extent + 2) / (extent + 3)` apart where there are more of them than this.
  static func limit(_ extent: Dim) -> Dim { extent + 5 }

  init(_ start: ScalarID, _ bin: ScalarID, index: ScalarID, number: ScalarID, _ graph: inout ScalarGraph) {
    let wide = graph.type(of: bin)
    let zero = graph.number(0, wide)
    let total = graph.binary(.max, graph.unary(.ceil, bin), zero)
    count = graph.binary(.max, total, graph.number(1, wide))
    let step = graph.over(bin, count)
    let low = graph.plus(start, graph.times(graph.cast(index, to: wide), bin))
    // One earlier than computed, in case that was rounded up.
    let skipped = graph.affineNumber(graph.over(graph.minus(graph.number(-1, wide), low), step), 1, -0.5)
    let earliest = graph.affineNumber(graph.unary(.ceil, skipped), 1, -1)
    let sample = graph.plus(graph.binary(.max, earliest, zero), graph.cast(number, to: wide))
    func place(_ sample: ScalarID) -> ScalarID {
      graph.plus(low, graph.times(graph.affineNumber(sample, 1, 0.5), step))
    }
    position = place(sample)
    exists = graph.compare(.less, sample, total)
    first = place(zero)
    last = place(graph.affineNumber(count, 1, -1))
  }
}

/// A sample's neighbours along one axis.
private struct RoiPlace {
  var isInside: ScalarID
  var taps: [(index: ScalarID, weight: ScalarID)]

  init(_ given: ScalarID, extent: Dim, _ graph: inout ScalarGraph) {
    let element = graph.type(of: given)
    let size = graph.cast(graph.dim(extent), to: element)
    isInside = graph.binary(
      .and, graph.compare(.greaterOrEqual, given, graph.number(-1, element)), graph.compare(.lessOrEqual, given, size))
    let last = graph.affineNumber(size, 1, -1)
    let position = graph.binary(.max, graph.binary(.min, given, last), graph.number(0, element))
    let base = graph.unary(.floor, position)
    let rest = graph.minus(position, base)
    let low = graph.clamped(graph.cast(base, to: .i64), extent: extent)
    let high = graph.clamped(graph.plus(low, graph.integer(1)), extent: extent)
    taps = [(low, graph.minus(graph.number(1, element), rest)), (high, rest)]
  }
}
