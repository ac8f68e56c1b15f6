import Support
import TensorIR

/// Maxima over the bins of regions of interest whose corners are rounded to whole pixels.
struct MaxRoiPool: Operator {
  let name = OperatorName("MaxRoiPool", versions: 1, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let regions = try node.input(1)
    try b.requireSameType([x, regions])
    try b.requireFloat(x)
    let type = b.type(of: x)
    let shape = b.shape(of: regions)
    let what = "regions of shape \(shape) do not fit data of shape \(type.shape)"
    if shape.count == 2 { try b.requireEqual(shape[1], 5, what) }
    guard type.rank == 4, shape.count == 2 else {
      throw .invalid(what)
    }
    guard let output = try node.ints("pooled_shape"), output.count == 2, output.allSatisfy({ $0 > 0 }) else {
      throw .invalid("attribute 'pooled_shape' must be two positive integers")
    }
    let scale = try node.float("spatial_scale", default: 1)
    var ends: [ValueID] = []
    for axis in 0..<2 {
      for isEnd in [false, true] {
        var body = ScalarGraph()
        body.results = [bound(axis, isEnd, type, Dim(output[axis]), scale, &body)]
        ends.append(b.map([shape[0], Dim(output[axis])], body, [regions]))
      }
    }
    var pick = ScalarGraph()
    let batch = pick.read(0, [pick.axis(0), pick.integer(0)], type: type.element)
    pick.results = [pick.cast(batch, to: .i64)]
    let batches = b.map([shape[0]], pick, [regions])
    return [
      try b.forEachRegion(x, batches, ends, wide: type.element) { (inner, picture, ends) throws(ModelError) in
        try maxima(picture, ends, output, &inner)
      }
    ]
  }

  /// The first position of the bin at axis 1 of the region at axis 0, or the one behind its last, within the picture.
  private func bound(
    _ axis: Int, _ isEnd: Bool, _ type: TensorType, _ bins: Dim, _ scale: Double, _ graph: inout ScalarGraph
  ) -> ScalarID {
    let wide = type.element.precise
    func corner(_ column: Int) -> ScalarID {
      let value = graph.cast(graph.read(0, [graph.axis(0), graph.integer(column)], type: type.element), to: wide)
      let scaled = graph.affineNumber(value, scale, 0)
      // Halves are rounded away from zero.
      let size = graph.unary(.floor, graph.affineNumber(graph.unary(.abs, scaled), 1, 0.5))
      return graph.select(graph.compare(.less, scaled, graph.number(0, wide)), graph.negate(size), size)
    }
    let (start, end) = (corner(2 - axis), corner(4 - axis))
    let extent = graph.binary(.max, graph.affineNumber(graph.minus(end, start), 1, 1), graph.number(1, wide))
    let bin = graph.over(extent, graph.cast(graph.dim(bins), to: wide))
    let number = graph.cast(graph.plus(graph.axis(1), graph.integer(isEnd ? 1 : 0)), to: wide)
    let offset = graph.unary(isEnd ? .ceil : .floor, graph.times(number, bin))
    let limit = graph.cast(graph.dim(type.shape[2 + axis]), to: wide)
    let inside = graph.binary(.max, graph.binary(.min, graph.plus(offset, start), limit), graph.number(0, wide))
    return graph.cast(inside, to: .i64)
  }

  /// Maxima `[C, bins, bins]` of a picture: along rows first, then along columns; 0 for bins without pixels.
  private func maxima(
    _ picture: ValueID, _ ends: [ValueID], _ output: [Int], _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: picture)
    var value = picture
    for axis in [1, 0] {
      let shape = b.shape(of: value)
      var body = ScalarGraph()
      let bin = body.axis(1 + axis)
      let position = body.axis(3)
      var indices = (0..<3).map { body.axis($0) }
      indices[1 + axis] = position
      let isAfterStart = body.compare(.greaterOrEqual, position, body.read(1, [bin], type: .i64))
      let isBeforeEnd = body.compare(.less, position, body.read(2, [bin], type: .i64))
      let isInside = body.binary(.and, isAfterStart, isBeforeEnd)
      body.results = [
        body.select(isInside, body.read(0, indices, type: type.element), body.extreme(.max, type.element))
      ]
      var result = shape
      result[1 + axis] = Dim(output[axis])
      let operands = [value, ends[2 * axis], ends[2 * axis + 1]]
      value = b.reduce(.max, shape: result, reduced: [shape[1 + axis]], operands: operands, body: body)[0]
    }
    return try b.elementwise([value]) { graph, values in
      let isEmpty = graph.compare(.equal, values[0], graph.extreme(.max, type.element))
      return graph.select(isEmpty, graph.number(0, type.element), values[0])
    }
  }
}
