import Support
import TensorIR

/// The kernels that weigh neighbours by their distance.
enum ResizeKernel {
  case linear
  case cubic(Double)

  /// Neighbours on either side.
  var reach: Int {
    switch self {
    case .linear: 1
    case .cubic: 2
    }
  }

  /// The weight at a distance, which is not negative.
  func weight(_ distance: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let type = graph.type(of: distance)
    let zero = graph.number(0, type)
    switch self {
    case .linear: return graph.binary(.max, graph.minus(graph.number(1, type), distance), zero)
    case .cubic(let a):
      // Horner's scheme for the inner and the outer piece.
      func polynomial(_ coefficients: [Double]) -> ScalarID {
        coefficients.dropFirst().reduce(graph.number(coefficients[0], type)) {
          graph.affineNumber(graph.times($0, distance), 1, $1)
        }
      }
      let inner = polynomial([a + 2, -(a + 3), 0, 1])
      let outer = polynomial([a, -5 * a, 8 * a, -4 * a])
      let isOuter = graph.compare(.less, distance, graph.number(2, type))
      let isInner = graph.compare(.lessOrEqual, distance, graph.number(1, type))
      return graph.select(isInner, inner, graph.select(isOuter, outer, zero))
    }
  }
}

/// What Resize asks of interpolation.
struct ResampleOptions {
  var mode: CoordinateMode
  var kernel: ResizeKernel
  var antialias: Bool
  var excludesOutside: Bool
}

extension ResizedAxis {
  /// The factor by which antialiasing widens the kernel, as its inverse: the scale, at most 1.
  fileprivate func stretch(_ graph: inout ScalarGraph) -> ScalarID {
    if let scale = knownScale { return graph.number(min(scale, 1), .f64) }
    return graph.binary(.min, factor(&graph), graph.number(1, .f64))
  }
}

extension GraphBuilder {
  /// Interpolates float data along one axis.
  mutating func resample(_ x: ValueID, _ axis: ResizedAxis, _ options: ResampleOptions) throws(ModelError) -> ValueID {
    let first = firstTap(axis, options)
    let taps = first * -2 + 2
    let positions = tapPositions(axis, options.mode, first: first, taps: taps)
    let weights = try tapWeights(axis, options, first: first, taps: taps)
    let type = type(of: x)
    var shape = type.shape
    shape[axis.axis] = axis.output
    var body = ScalarGraph()
    let here = shape.indices.map { body.axis($0) }
    func term(_ tap: ScalarID) -> ScalarID {
      var indices = here
      let place = [here[axis.axis], tap]
      indices[axis.axis] = body.read(1, place, type: .i64)
      let weight = body.cast(body.read(2, place, type: .f32), to: type.element)
      return body.times(weight, body.read(0, indices, type: type.element))
    }
    guard let count = taps.constant, count <= 4 else {
      body.results = [term(body.axis(shape.count))]
      return reduce(.sum, shape: shape, reduced: [taps], operands: [x, positions, weights], body: body)[0]
    }
    var sum = term(body.integer(0))
    for tap in 1..<count { sum = body.plus(sum, term(body.integer(tap))) }
    body.results = [sum]
    return map(shape, body, [x, positions, weights])
  }

  /// The first neighbour that counts, from the one at or before the coordinate; at most 0.
  private mutating func firstTap(_ axis: ResizedAxis, _ options: ResampleOptions) -> Dim {
    let reach = Double(options.kernel.reach)
    guard options.antialias else { return Dim(1 - options.kernel.reach) }
    if let scale = axis.knownScale { return Dim(Int((-reach / min(scale, 1)).rounded(.down)) + 1) }
    let distance = computedExtents("reach", axis.operands) { graph in
      let quotient = graph.over(graph.number(reach, .f64), axis.stretch(&graph))
      return [graph.cast(graph.unary(.ceil, graph.binary(.min, quotient, graph.number(1e9, .f64))), to: .i64)]
    }
    return -distance[0] + 1
  }

  /// Positions in the data by result position and tap, kept within the data.
  private mutating func tapPositions(_ axis: ResizedAxis, _ mode: CoordinateMode, first: Dim, taps: Dim) -> ValueID {
    var body = ScalarGraph()
    let x = axis.coordinate(body.axis(0), mode, &body)
    let base = body.cast(body.unary(.floor, x), to: .i64)
    let position = body.plus(body.plus(base, body.axis(1)), body.dim(first))
    body.results = [body.clamped(position, extent: axis.input)]
    return map([axis.output, taps], body, axis.operands)
  }

  private mutating func tapWeights(
    _ axis: ResizedAxis, _ options: ResampleOptions, first: Dim, taps: Dim
  ) throws(ModelError) -> ValueID {
    var body = ScalarGraph()
    let x = axis.coordinate(body.axis(0), options.mode, &body)
    let tap = body.cast(body.plus(body.axis(1), body.dim(first)), to: .f64)
    let position = body.plus(body.unary(.floor, x), tap)
    var distance = body.unary(.abs, body.minus(position, x))
    if options.antialias { distance = body.times(distance, axis.stretch(&body)) }
    var weight = options.kernel.weight(distance, &body)
    if options.excludesOutside {
      let last = body.cast(body.dim(axis.input - 1), to: .f64)
      let isInside = body.all([
        body.compare(.greaterOrEqual, position, body.number(0, .f64)), body.compare(.lessOrEqual, position, last),
      ])
      weight = body.select(isInside, weight, body.number(0, .f64))
    }
    body.results = [weight]
    let weights = map([axis.output, taps], body, axis.operands)
    guard options.excludesOutside || options.antialias else { return try cast(weights, to: .f32) }
    let sums = reduceAxes(weights, [1], keepsAxes: true, .sum)
    return try elementwise([weights, sums]) { $0.cast($0.over($1[0], $1[1]), to: .f32) }
  }

  /// Picks the nearest element along all given axes at once.
  mutating func pickNearest(
    _ x: ValueID, _ axes: [ResizedAxis], shape: [Dim], _ mode: CoordinateMode,
    _ rounding: (inout ScalarGraph, ResizedAxis, ScalarID) -> ScalarID, repeatsExactly: Bool
  ) -> ValueID {
    let type = type(of: x)
    var operands = [x]
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    for axis in axes {
      if repeatsExactly, let scale = axis.knownScale, scale == scale.rounded() {
        indices[axis.axis] = body.binary(.floorDivide, indices[axis.axis], body.integer(Int(scale)))
        continue
      }
      var table = ScalarGraph()
      let coordinate = axis.coordinate(table.axis(0), mode, &table)
      let position = table.cast(rounding(&table, axis, coordinate), to: .i64)
      table.results = [table.clamped(position, extent: axis.input)]
      operands.append(map([axis.output], table, axis.operands))
      indices[axis.axis] = body.read(operands.count - 1, [indices[axis.axis]], type: .i64)
    }
    body.results = [body.read(0, indices, type: type.element)]
    return map(shape, body, operands)
  }

  /// Replaces elements whose coordinates lie outside the data.
  mutating func extrapolate(_ x: ValueID, _ axes: [ResizedAxis], value: Double) -> ValueID {
    let type = type(of: x)
    var operands = [x]
    var body = ScalarGraph()
    let here = type.shape.indices.map { body.axis($0) }
    var conditions: [ScalarID] = []
    for axis in axes {
      var table = ScalarGraph()
      let coordinate = axis.coordinate(table.axis(0), .cropAndResize, &table)
      let last = table.cast(table.dim(axis.input - 1), to: .f64)
      table.results = [
        table.all([
          table.compare(.greaterOrEqual, coordinate, table.number(0, .f64)),
          table.compare(.lessOrEqual, coordinate, last),
        ])
      ]
      operands.append(map([axis.output], table, axis.operands))
      conditions.append(body.read(operands.count - 1, [here[axis.axis]], type: .bool))
    }
    body.results = [
      body.select(body.all(conditions), body.read(0, here, type: type.element), body.number(value, type.element))
    ]
    return map(type.shape, body, operands)
  }
}
