import Glibc
import Support
import TensorIR

/// How positions along one axis map from the result back to the data.
struct ResizedAxis {
  var axis: Int
  var input: Dim
  var output: Dim
  /// The factor from input to output extent; nil stands for their quotient.
  var scale: Double?
  /// The cropped range in units of the extent.
  var crop: (start: Double, end: Double) = (0, 1)
  /// An `f64` vector of scale, start and end of the cropped range in place of the numbers, where only a call knows them.
  var parameters: ValueID?

  /// What graphs that compute coordinates read.
  var operands: [ValueID] { parameters.map { [$0] } ?? [] }

  private enum Parameter: Int { case scale, start, end }

  private func parameter(_ parameter: Parameter, _ graph: inout ScalarGraph) -> ScalarID {
    graph.read(0, [graph.integer(parameter.rawValue)], type: .f64)
  }

  /// The factor from input to output extent, `f64`.
  func factor(_ graph: inout ScalarGraph) -> ScalarID {
    if parameters != nil { return parameter(.scale, &graph) }
    if let scale { return graph.number(scale, .f64) }
    return graph.over(graph.cast(graph.dim(output), to: .f64), graph.cast(graph.dim(input), to: .f64))
  }

  /// Where the cropped range starts and ends, `f64`.
  fileprivate func range(_ graph: inout ScalarGraph) -> (start: ScalarID, end: ScalarID) {
    if parameters != nil { return (parameter(.start, &graph), parameter(.end, &graph)) }
    return (graph.number(crop.start, .f64), graph.number(crop.end, .f64))
  }
}

/// The coordinate transformations of Resize.
enum CoordinateMode: String {
  case halfPixel = "half_pixel"
  case halfPixelSymmetric = "half_pixel_symmetric"
  case pytorchHalfPixel = "pytorch_half_pixel"
  case alignCorners = "align_corners"
  case asymmetric
  case halfPixelForNearest = "tf_half_pixel_for_nn"
  case cropAndResize = "tf_crop_and_resize"
}

extension ResizedAxis {
  /// The position in the data, as `f64` with the precision of `f32`, of a position in the result.
  ///
  /// Other implementations compute in `f32`; more digits would pick other neighbours where a quotient
  /// is just not whole.
  func coordinate(_ position: ScalarID, _ mode: CoordinateMode, _ graph: inout ScalarGraph) -> ScalarID {
    graph.rounded(exactCoordinate(position, mode, &graph))
  }

  private func exactCoordinate(_ position: ScalarID, _ mode: CoordinateMode, _ graph: inout ScalarGraph) -> ScalarID {
    let x = graph.cast(position, to: .f64)
    let (size, result) = (graph.cast(graph.dim(input), to: .f64), graph.cast(graph.dim(output), to: .f64))
    let factor = factor(&graph)
    let width = scale == nil && parameters == nil ? result : graph.times(factor, size)
    let one = graph.number(1, .f64)
    func centered() -> ScalarID {
      graph.affineNumber(graph.rounded(graph.over(graph.affineNumber(x, 1, 0.5), factor)), 1, -0.5)
    }
    switch mode {
    case .halfPixel: return centered()
    case .pytorchHalfPixel:
      return graph.select(graph.compare(.greater, result, one), centered(), graph.number(0, .f64))
    case .halfPixelSymmetric:
      let adjustment = graph.minus(one, graph.over(result, width))
      return graph.plus(graph.times(graph.affineNumber(size, 0.5, 0), adjustment), centered())
    case .asymmetric: return graph.over(x, factor)
    case .halfPixelForNearest: return graph.over(graph.affineNumber(x, 1, 0.5), factor)
    case .alignCorners:
      let isPoint = graph.compare(.equal, width, one)
      let divisor = graph.select(isPoint, one, graph.affineNumber(width, 1, -1))
      let line = graph.over(graph.times(x, graph.affineNumber(size, 1, -1)), divisor)
      return graph.select(isPoint, graph.number(0, .f64), line)
    case .cropAndResize:
      let last = graph.affineNumber(size, 1, -1)
      let isPoint = graph.compare(.equal, width, one)
      let divisor = graph.select(isPoint, one, graph.affineNumber(width, 1, -1))
      let range = range(&graph)
      let span = graph.times(last, graph.minus(range.end, range.start))
      let line = graph.over(graph.times(x, span), divisor)
      let along = graph.select(isPoint, graph.affineNumber(span, 0.5, 0), line)
      return graph.plus(along, graph.times(last, range.start))
    }
  }

  /// The factor as a number, where it is known.
  var knownScale: Double? {
    if parameters != nil { return nil }
    if let scale { return scale }
    guard let from = input.constant, let to = output.constant, from > 0 else { return nil }
    return Double(to) / Double(from)
  }
}

/// The resized axes, from scales or sizes.
struct ResizeFrame {
  var axes: [ResizedAxis]
  var shape: [Dim]

  init(shape: [Dim], axes: [Int], scales: [Double]) throws(ModelError) {
    self.shape = shape
    self.axes = []
    for (axis, scale) in zip(axes, scales) {
      guard scale > 0, scale.isFinite else { throw .invalid("scale \(scale) is not positive") }
      let output = try Self.scaled(shape[axis], by: scale)
      self.shape[axis] = output
      self.axes.append(ResizedAxis(axis: axis, input: shape[axis], output: output, scale: scale))
    }
  }

  init(shape: [Dim], axes: [Int], sizes: [Dim], policy: String) throws(ModelError) {
    self.shape = shape
    self.axes = []
    var sizes = sizes
    var scale: Double?
    switch policy {
    case "stretch": break
    case "not_larger", "not_smaller":
      guard let wanted = sizes.constants, let present = axes.map({ shape[$0] }).constants, !present.contains(0) else {
        throw .unsupported("keeping the aspect ratio needs fixed dimensions", hint: "bind them with --dim")
      }
      let factors = zip(wanted, present).map { Double($0) / Double($1) }
      let factor = (policy == "not_larger" ? factors.min() : factors.max()) ?? 1
      sizes = []
      for extent in present { sizes.append(try Self.scaled(extent, by: factor, rounding: 0.5)) }
      scale = factor
    default: throw .invalid("attribute 'keep_aspect_ratio_policy' is '\(policy)'")
    }
    for (axis, size) in zip(axes, sizes) {
      self.shape[axis] = size
      self.axes.append(ResizedAxis(axis: axis, input: shape[axis], output: size, scale: scale))
    }
  }

  /// Axes whose scales, sizes or cropped ranges only a call knows.
  ///
  /// `scales` are numbers by axis, or the factors that `sizes` ask for; `region` holds the starts and then the ends of the cropped ranges.
  init(
    shape: [Dim], axes: [Int], scales: ValueID?, sizes: ValueID?, region: ValueID?, policy: String,
    _ b: inout GraphBuilder
  ) throws(ModelError) {
    self.shape = shape
    self.axes = []
    guard policy == "stretch" || policy == "not_larger" || policy == "not_smaller" else {
      throw .invalid("attribute 'keep_aspect_ratio_policy' is '\(policy)'")
    }
    let count = axes.count
    let given = scales ?? sizes
    let element = given.map { b.type(of: $0).element } ?? .f32
    let operands = (given.map { [$0] } ?? []) + (region.map { [$0] } ?? [])
    let extents = axes.map { shape[$0] }
    let regionType = region.map { b.type(of: $0).element } ?? .f32
    func factor(_ position: Int, _ graph: inout ScalarGraph) -> ScalarID {
      func own(_ position: Int) -> ScalarID {
        let number = graph.cast(graph.read(0, [graph.integer(position)], type: element), to: .f64)
        return scales != nil ? number : graph.over(number, graph.cast(graph.dim(extents[position]), to: .f64))
      }
      guard sizes != nil, policy != "stretch" else { return own(position) }
      let op: ScalarBinary = policy == "not_larger" ? .min : .max
      return (1..<count).reduce(own(0)) { graph.binary(op, $0, own($1)) }
    }
    let outputs: [Dim]
    if let sizes, policy == "stretch" {
      outputs = try b.extents(sizes, "the sizes", as: "size")
    } else {
      outputs = b.computedExtents("size", operands) { graph in
        (0..<count).map { position in
          let exact = graph.times(factor(position, &graph), graph.cast(graph.dim(extents[position]), to: .f64))
          let rounded = scales != nil ? exact : graph.affineNumber(exact, 1, 0.5)
          return graph.cast(graph.unary(.floor, rounded), to: .i64)
        }
      }
    }
    for (position, axis) in axes.enumerated() {
      self.shape[axis] = outputs[position]
      var resized = ResizedAxis(axis: axis, input: shape[axis], output: outputs[position])
      if scales != nil || region != nil || policy != "stretch" {
        resized.parameters = b.parameters(operands) { graph in
          func bound(_ index: Int, _ otherwise: Double) -> ScalarID {
            guard region != nil else { return graph.number(otherwise, .f64) }
            let value = graph.read(operands.count - 1, [graph.integer(index)], type: regionType)
            return graph.cast(value, to: .f64)
          }
          let ends = [bound(position, 0), bound(count + position, 1)]
          return [factor(position, &graph)] + ends
        }
      }
      self.axes.append(resized)
    }
  }

  /// A number of elements times a scale, rounded down after an addition.
  private static func scaled(_ extent: Int, by scale: Double, rounding: Double = 0) throws(ModelError) -> Dim {
    let size = (Double(extent) * scale + rounding).rounded(.down)
    guard size < 0x1p60 else { throw .invalid("\(extent) elements times \(scale) are more than memory holds") }
    return Dim(Int(size))
  }

  private static func scaled(_ extent: Dim, by scale: Double) throws(ModelError) -> Dim {
    if let size = extent.constant { return try scaled(size, by: scale) }
    for divisor in 1...64 {
      let numerator = scale * Double(divisor)
      if numerator == numerator.rounded(), numerator < 0x1p31 { return (extent * Int(numerator)).floorDivided(by: Dim(divisor)) }
    }
    throw .unsupported("the extent \(extent) times \(scale) is no simple fraction", hint: "bind dimensions with --dim")
  }
}

extension GraphBuilder {
  /// An `f64` vector with the given elements.
  fileprivate mutating func parameters(_ operands: [ValueID], _ compute: (inout ScalarGraph) -> [ScalarID]) -> ValueID {
    var body = ScalarGraph()
    let values = compute(&body)
    let position = body.axis(0)
    var result = body.number(0, .f64)
    for (index, value) in values.enumerated().reversed() {
      result = body.select(body.compare(.equal, position, body.integer(index)), value, result)
    }
    body.results = [result]
    return map([Dim(values.count)], body, operands)
  }
}

extension ScalarGraph {
  /// An `f64` rounded to the precision of `f32`.
  fileprivate mutating func rounded(_ x: ScalarID) -> ScalarID { cast(cast(x, to: .f32), to: .f64) }
}
