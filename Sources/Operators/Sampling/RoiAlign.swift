import Support
import TensorIR

/// Regions of interest pooled from bilinear samples.
struct RoiAlign: Operator {
  let name = OperatorName("RoiAlign", versions: 10, 16, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let regions = try node.input(1)
    let batches = try node.input(2)
    let type = b.type(of: x)
    let count = b.shape(of: regions).first ?? 0
    guard type.rank == 4, b.shape(of: regions) == [count, 4], b.shape(of: batches) == [count] else {
      throw .invalid("regions of shape \(b.shape(of: regions)) do not fit data of shape \(type.shape)")
    }
    let samples = try node.int("sampling_ratio", default: 0)
    guard samples > 0 else {
      throw .unsupported(
        "a number of samples that depends on the region is not supported", hint: "set 'sampling_ratio'")
    }
    let mode = try node.string("mode", default: "avg")
    guard mode == "avg" || mode == "max" else { throw .invalid("attribute 'mode' is '\(mode)'") }
    let output = [try node.int("output_height", default: 1), try node.int("output_width", default: 1)]
    let scale = try node.float("spatial_scale", default: 1)
    let transformation = try node.string(
      "coordinate_transformation_mode", default: node.version < 16 ? "output_half_pixel" : "half_pixel")
    let isHalfPixel = transformation == "half_pixel"
    let element = type.element
    // Axes: region, channel, row, column; then sample rows and columns.
    var body = ScalarGraph()
    let region = body.axis(0)
    let batch = body.wrappedIndex(body.read(2, [region], type: b.type(of: batches).element), extent: type.shape[0])
    func place(_ axis: Int) -> RoiPlace {
      func edge(_ position: Int) -> ScalarID {
        let value = body.cast(
          body.read(1, [region, body.integer(position)], type: b.type(of: regions).element), to: element)
        return body.affineNumber(value, scale, isHalfPixel ? -0.5 : 0)
      }
      let start = edge(1 - axis)
      var extent = body.minus(edge(3 - axis), start)
      if !isHalfPixel { extent = body.binary(.max, extent, body.number(1, element)) }
      let bin = body.over(extent, body.number(Double(output[axis]), element))
      let sample = body.affineNumber(body.cast(body.axis(4 + axis), to: element), 1, 0.5)
      let offset = body.over(body.times(sample, bin), body.number(Double(samples), element))
      let bins = body.times(body.cast(body.axis(2 + axis), to: element), bin)
      return RoiPlace(body.plus(body.plus(start, bins), offset), extent: type.shape[2 + axis], &body)
    }
    let (row, column) = (place(0), place(1))
    let isInside = body.binary(.and, row.isInside, column.isInside)
    var terms: [ScalarID] = []
    for (rowIndex, rowWeight) in row.taps {
      for (columnIndex, columnWeight) in column.taps {
        let value = body.read(0, [batch, body.axis(1), rowIndex, columnIndex], type: element)
        terms.append(body.times(body.times(rowWeight, columnWeight), value))
      }
    }
    let combined = terms.dropFirst().reduce(terms[0]) { mode == "avg" ? body.plus($0, $1) : body.binary(.max, $0, $1) }
    body.results = [body.select(isInside, combined, body.number(0, element))]
    let shape = [count, type.shape[1]] + output.map { Dim($0) }
    return b.reduce(
      mode == "avg" ? .sum : .max, shape: shape, reduced: [Dim(samples), Dim(samples)],
      operands: [x, regions, batches],
      body: body
    ) { graph, accumulators in
      guard mode == "avg" else { return accumulators }
      return [graph.over(accumulators[0], graph.number(Double(samples * samples), element))]
    }
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
