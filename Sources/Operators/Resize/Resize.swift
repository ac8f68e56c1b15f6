import Support
import TensorIR

/// Resampling along axes by nearest neighbour, linear or cubic interpolation.
struct Resize: Operator {
  let name = OperatorName("Resize", versions: 10, 11, 13, 18, 19)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    var frame = try frame(node, b.shape(of: x), &b)
    let text = try node.string(
      "coordinate_transformation_mode", default: node.version < 11 ? "asymmetric" : "half_pixel")
    guard let mode = CoordinateMode(rawValue: text) else {
      throw .invalid("attribute 'coordinate_transformation_mode' is '\(text)'")
    }
    if mode == .cropAndResize, frame.axes.allSatisfy({ $0.parameters == nil }) { try crop(&frame, node, b) }
    let method = try node.string("mode", default: "nearest")
    let result: ValueID
    if method == "nearest" {
      let rounding = try node.version < 11
        ? towardsScale : node.string("nearest_mode", default: "round_prefer_floor")
      result = try nearest(x, frame, mode, rounding, &b)
    } else {
      let kernel: ResizeKernel
      switch method {
      case "linear": kernel = .linear
      case "cubic": kernel = .cubic(try node.float("cubic_coeff_a", default: -0.75))
      default: throw .invalid("attribute 'mode' is '\(method)'")
      }
      let options = ResampleOptions(
        mode: mode, kernel: kernel, antialias: try node.flag("antialias"),
        excludesOutside: try node.flag("exclude_outside"))
      result = try interpolate(x, frame, options, &b)
    }
    guard mode == .cropAndResize else { return [result] }
    return [b.extrapolate(result, frame.axes, value: try node.float("extrapolation_value", default: 0))]
  }

  private func frame(_ node: OperatorNode, _ shape: [Dim], _ b: inout GraphBuilder) throws(ModelError) -> ResizeFrame {
    var axes = Array(shape.indices)
    if let given = try node.ints("axes") {
      axes = []
      for axis in given { axes.append(try normalizedAxis(axis, rank: shape.count, name: "axes:")) }
    }
    func given(_ position: Int, _ b: inout GraphBuilder) throws(ModelError) -> ValueID? {
      guard let value = node.optionalInput(position), b.shape(of: value) != [0] else { return nil }
      return try b.perAxis(value, axes.count, "the scales or sizes")
    }
    let sizes = node.version >= 11 ? try given(3, &b) : nil
    let scales = sizes == nil ? try given(node.version < 11 ? 1 : 2, &b) : nil
    guard let factors = sizes ?? scales else { throw .invalid("there are neither scales nor sizes") }
    let crops = try node.string("coordinate_transformation_mode", default: "") == CoordinateMode.cropAndResize.rawValue
    let region = crops ? try b.perAxis(try node.input(1), 2 * axes.count, "the region of interest") : nil
    let policy = try node.string("keep_aspect_ratio_policy", default: "stretch")
    let isKnown = [scales, region].allSatisfy { $0.map { b.constantValue($0) != nil } ?? true }
    guard isKnown, sizes.map({ b.knownIntegers($0) != nil }) ?? true else {
      return try ResizeFrame(
        shape: shape, axes: axes, scales: scales, sizes: sizes, region: region, policy: policy, &b)
    }
    if let sizes {
      return try ResizeFrame(shape: shape, axes: axes, sizes: try b.requireIntegers(sizes, "the sizes"), policy: policy)
    }
    return try ResizeFrame(shape: shape, axes: axes, scales: try b.requireNumbers(factors, "the scales"))
  }

  private func crop(_ frame: inout ResizeFrame, _ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) {
    let roi = try b.requireNumbers(try node.input(1), "the region of interest")
    let count = frame.axes.count
    guard roi.count == 2 * count else {
      throw .invalid("the region of interest has \(roi.count) numbers, not \(2 * count)")
    }
    for position in 0..<count { frame.axes[position].crop = (roi[position], roi[count + position]) }
  }
}

extension GraphBuilder {
  /// An argument with numbers for axes as a vector of that length.
  fileprivate mutating func perAxis(_ value: ValueID, _ count: Int, _ what: String) throws(ModelError) -> ValueID {
    let given = shape(of: value)
    try requireEqual(given.product, Dim(count), "\(what) of shape \(given) do not fit")
    return given == [Dim(count)] ? value : reshape(value, [Dim(count)])
  }
}

/// Enlargement by nearest neighbour or linear interpolation, before it became Resize.
struct Upsample: Operator {
  let name = OperatorName("Upsample", versions: 1, 7, 9, 10)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let frame = try frame(node, shape, &b)
    let mode = try node.string("mode", default: "nearest")
    switch mode {
    case "nearest": return [try nearest(x, frame, .asymmetric, "floor", &b)]
    case "linear", "bilinear":
      let options = ResampleOptions(mode: .asymmetric, kernel: .linear, antialias: false, excludesOutside: false)
      return [try interpolate(x, frame, options, &b)]
    default: throw .invalid("attribute 'mode' is '\(mode)'")
    }
  }

  private func frame(_ node: OperatorNode, _ shape: [Dim], _ b: inout GraphBuilder) throws(ModelError) -> ResizeFrame {
    let axes = Array(shape.indices)
    if node.version >= 9, b.constantValue(try node.input(1)) == nil {
      let scales = try b.perAxis(try node.input(1), axes.count, "the scales")
      return try ResizeFrame(shape: shape, axes: axes, scales: scales, sizes: nil, region: nil, policy: "stretch", &b)
    }
    let scales: [Double]?
    if node.version < 7 {
      guard let height = try node.float("height_scale"), let width = try node.float("width_scale") else {
        throw .invalid("attribute 'height_scale' or 'width_scale' is missing")
      }
      scales = [1, 1, height, width]
    } else {
      scales = node.version < 9 ? try node.floats("scales") : try b.requireNumbers(try node.input(1), "the scales")
    }
    guard let scales, scales.count == shape.count else { throw .invalid("the scales do not fit rank \(shape.count)") }
    return try ResizeFrame(shape: shape, axes: axes, scales: scales)
  }
}

/// The axes whose elements do not all stay in place.
private func moving(_ frame: ResizeFrame, _ mode: CoordinateMode) -> [ResizedAxis] {
  frame.axes.filter { mode == .cropAndResize || $0.input != $0.output || $0.knownScale ?? 1 != 1 || $0.parameters != nil }
}

/// The rounding before there was attribute 'nearest_mode': down, but up where the data becomes smaller.
private let towardsScale = "ceil_if_smaller"

private func nearest(
  _ x: ValueID, _ frame: ResizeFrame, _ mode: CoordinateMode, _ rounding: String, _ b: inout GraphBuilder
) throws(ModelError) -> ValueID {
  let round: (inout ScalarGraph, ResizedAxis, ScalarID) -> ScalarID
  switch rounding {
  case "round_prefer_floor": round = { $0.unary(.ceil, $0.affineNumber($2, 1, -0.5)) }
  case "round_prefer_ceil": round = { $0.unary(.floor, $0.affineNumber($2, 1, 0.5)) }
  case "floor": round = { $0.unary(.floor, $2) }
  case "ceil": round = { $0.unary(.ceil, $2) }
  case towardsScale:
    round = { graph, axis, x in
      let isSmaller = graph.compare(.less, axis.factor(&graph), graph.number(1, .f64))
      return graph.select(isSmaller, graph.unary(.ceil, x), graph.unary(.floor, x))
    }
  default: throw .invalid("attribute 'nearest_mode' is '\(rounding)'")
  }
  // Both enlarge by a whole factor by plain repetition.
  let repeats =
    mode == .asymmetric && (rounding == "floor" || rounding == towardsScale)
    || mode == .halfPixel && rounding.hasPrefix("round")
    || mode == .pytorchHalfPixel && rounding.hasPrefix("round")
  return b.pickNearest(x, moving(frame, mode), shape: frame.shape, mode, round, repeatsExactly: repeats)
}

private func interpolate(
  _ x: ValueID, _ frame: ResizeFrame, _ options: ResampleOptions, _ b: inout GraphBuilder
) throws(ModelError) -> ValueID {
  let element = b.type(of: x).element
  var value = try b.cast(x, to: element.isFloat ? element : .f32)
  for axis in moving(frame, options.mode) { value = try b.resample(value, axis, options) }
  if element.isFloat { return value }
  return try b.elementwise([value]) { graph, values in
    // Cubic weights overshoot; integers that `f32` holds exactly are then the nearest that there are.
    if element.isInteger, element.bits <= 16 { return graph.quantize(values[0], zeroPoint: nil, to: element) }
    return graph.cast(graph.unary(.rint, values[0]), to: element)
  }
}
