import Support
import TensorIR

/// Data sampled at the positions of a grid, whose coordinates run from -1 to 1.
struct GridSample: Operator {
  let name: OperatorName
  /// Whether positions are clamped to the border before interpolation, which matters for cubic kernels, or elements
  /// after it.
  let clampsPositions: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let grid = try node.input(1)
    try b.requireFloat(grid, "the grid")
    let type = b.type(of: x)
    let gridType = b.type(of: grid)
    let rank = type.rank - 2
    let what = "a grid of shape \(gridType.shape) does not fit data of shape \(type.shape)"
    guard rank >= 1, gridType.rank == type.rank else { throw .invalid(what) }
    try b.requireEqual(gridType.shape[type.rank - 1], Dim(rank), what)
    try b.requireEqual(gridType.shape[0], type.shape[0], what)
    let mode = try node.string("mode", default: "linear")
    let padding = try node.string("padding_mode", default: "zeros")
    guard ["zeros", "border", "reflection"].contains(padding) else {
      throw .invalid("attribute 'padding_mode' is '\(padding)'")
    }
    let isAligned = try node.flag("align_corners")
    // Integers of 32 bits and more need the digits of f64.
    let isWide = [type.element, gridType.element].contains { $0.isFloat ? $0 == .f64 : $0.bits >= 32 }
    let wide: ElementType = isWide ? .f64 : .f32
    var body = ScalarGraph()
    let batch = body.axis(0)
    let place = (0..<rank).map { body.axis(2 + $0) }
    var taps: [[GridTap]] = []
    for axis in 0..<rank {
      // The last coordinate of the grid belongs to the first axis.
      let raw = body.read(1, [batch] + place + [body.integer(rank - 1 - axis)], type: gridType.element)
      let sampler = GridAxis(
        extent: type.shape[2 + axis], isAligned: isAligned, padding: padding, clampsPositions: clampsPositions)
      taps.append(try sampler.taps(body.cast(raw, to: wide), mode, &body))
    }
    let zero = body.number(0, type.element)
    func sum(_ axis: Int, _ indices: [ScalarID]) -> ScalarID {
      guard axis < rank else {
        return body.read(0, indices, outside: padding == "zeros" ? zero : nil, type: type.element)
      }
      let terms = taps[axis].map { tap in
        let inner = sum(axis + 1, indices + [tap.index])
        return tap.weight.map { body.times($0, body.cast(inner, to: wide)) } ?? inner
      }
      return terms.dropFirst().reduce(terms[0]) { body.plus($0, $1) }
    }
    body.results = [body.cast(sum(0, [batch, body.axis(1)]), to: type.element)]
    return [b.map(Array(type.shape.prefix(2)) + gridType.shape[1..<type.rank - 1], body, [x, grid])]
  }
}

/// GridSample as standardized, and of ONNX Runtime.
let gridSampleOperators: [any Operator] = [
  GridSample(name: OperatorName("GridSample", versions: 16, 20, 22), clampsPositions: true),
  GridSample(name: OperatorName("GridSample", domain: "com.microsoft", versions: 1), clampsPositions: false),
]

/// An element that contributes to a sample.
private struct GridTap {
  var index: ScalarID
  /// Nil for 1.
  var weight: ScalarID?
}

/// Sampling along one axis.
private struct GridAxis {
  var extent: Dim
  var isAligned: Bool
  var padding: String
  var clampsPositions: Bool

  /// The elements that contribute to a sample at a coordinate between -1 and 1, as attribute 'mode' asks.
  func taps(_ normalized: ScalarID, _ mode: String, _ graph: inout ScalarGraph) throws(ModelError) -> [GridTap] {
    let element = graph.type(of: normalized)
    let size = graph.cast(graph.dim(extent), to: element)
    let shifted = graph.affineNumber(normalized, 1, 1)
    let position =
      isAligned
      ? graph.times(graph.affineNumber(shifted, 0.5, 0), graph.affineNumber(size, 1, -1))
      : graph.affineNumber(graph.affineNumber(graph.times(shifted, size), 1, -1), 0.5, 0)
    switch mode {
    case "nearest":
      let nearest = graph.unary(.rint, position)
      return [GridTap(index: index(nearest, &graph), weight: nil)]
    case "linear", "bilinear": return interpolate(position, .linear, &graph)
    case "cubic", "bicubic": return interpolate(position, .cubic(-0.75), &graph)
    default: throw .invalid("attribute 'mode' is '\(mode)'")
    }
  }

  private func interpolate(_ position: ScalarID, _ kernel: ResizeKernel, _ graph: inout ScalarGraph) -> [GridTap] {
    let inside = padding == "border" && !clampsPositions ? position : padded(position, &graph)
    let base = graph.unary(.floor, inside)
    return (1 - kernel.reach...kernel.reach).map { step in
      let place = graph.affineNumber(base, 1, Double(step))
      let weight = kernel.weight(graph.unary(.abs, graph.minus(place, inside)), &graph)
      return GridTap(index: index(place, &graph), weight: weight)
    }
  }

  /// The element at a whole position; with zero padding it may lie outside.
  private func index(_ position: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    if padding == "zeros" {
      // Positions far outside do not fit integers.
      let element = graph.type(of: position)
      let last = graph.cast(graph.dim(extent), to: element)
      let near = graph.binary(.max, graph.binary(.min, position, last), graph.number(-1, element))
      return graph.cast(near, to: .i64)
    }
    return graph.clamped(graph.cast(padded(position, &graph), to: .i64), extent: extent)
  }

  /// The position clamped or reflected into the data.
  private func padded(_ position: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let element = graph.type(of: position)
    let size = graph.cast(graph.dim(extent), to: element)
    switch padding {
    case "border":
      let last = graph.affineNumber(size, 1, -1)
      return graph.binary(.max, graph.binary(.min, position, last), graph.number(0, element))
    case "reflection":
      let low = isAligned ? 0.0 : -0.5
      let span = isAligned ? graph.binary(.max, graph.affineNumber(size, 1, -1), graph.number(1, element)) : size
      let period = graph.affineNumber(span, 2, 0)
      let offset = graph.affineNumber(position, 1, -low)
      let turns = graph.unary(.floor, graph.over(offset, period))
      let phase = graph.minus(offset, graph.times(turns, period))
      return graph.affineNumber(graph.binary(.min, phase, graph.minus(period, phase)), 1, low)
    default: return position
    }
  }
}
