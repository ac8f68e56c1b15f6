import Support
import TensorIR

/// Elements added before and after along axes, or removed where the amount is negative.
struct Pad: Operator {
  let name = OperatorName("Pad", versions: 1, 2, 11, 13, 18, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let (before, after) = try amounts(node, rank: type.rank, b)
    let mode = try node.string("mode", default: "constant")
    var operands = [x]
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.affine(body.axis($0), scale: 1, offset: -before[$0]) }
    for axis in indices.indices where before[axis] != 0 || after[axis] != 0 {
      let extent = type.shape[axis]
      switch mode {
      case "constant": break
      case "edge": indices[axis] = body.clamped(indices[axis], extent: extent)
      case "reflect": indices[axis] = body.reflected(indices[axis], extent: extent)
      case "wrap": indices[axis] = body.binary(.floorRemainder, indices[axis], body.dim(.maximum(extent, 1)))
      default: throw .invalid("attribute 'mode' is '\(mode)'")
      }
    }
    if mode == "constant" {
      let value = try filler(node, type.element, &b)
      operands.append(value)
      let outside = b.literal(value, in: &body) ?? body.read(1, [], type: type.element)
      body.results = [body.read(0, indices, outside: outside, type: type.element)]
    } else {
      body.results = [body.read(0, indices, type: type.element)]
    }
    return [b.map(type.shape.indices.map { type.shape[$0] + before[$0] + after[$0] }, body, operands)]
  }

  private func amounts(_ node: OperatorNode, rank: Int, _ b: GraphBuilder) throws(ModelError) -> ([Dim], [Dim]) {
    let pads: [Dim]
    if node.version < 11 {
      guard let given = try node.ints(node.version < 2 ? "paddings" : "pads") else {
        throw .invalid("attribute 'pads' is missing")
      }
      pads = given.map { Dim($0) }
    } else {
      pads = try b.requireIntegers(try node.input(1), "the pads")
    }
    var axes = Array(0..<rank)
    if let argument = node.optionalInput(3) {
      axes = []
      for axis in try b.requireConstantIntegers(argument, "the axes") {
        axes.append(try normalizedAxis(axis, rank: rank, name: "axes:"))
      }
    }
    guard pads.count == 2 * axes.count else { throw .invalid("there are \(pads.count) pads for \(axes.count) axes") }
    var before = [Dim](repeating: 0, count: rank)
    var after = before
    for (position, axis) in axes.enumerated() {
      before[axis] = pads[position]
      after[axis] = pads[axes.count + position]
    }
    return (before, after)
  }

  private func filler(_ node: OperatorNode, _ element: ElementType, _ b: inout GraphBuilder) throws(ModelError)
    -> ValueID
  {
    if node.version < 11 { return b.scalar(try node.float("value", default: 0), element) }
    guard let given = node.optionalInput(2) else { return b.scalar(0, element) }
    guard b.type(of: given).element == element, b.shape(of: given).constants?.reduce(1, *) == 1 else {
      throw .invalid("the value has type \(b.type(of: given)), not \(element.rawValue)[]")
    }
    return b.reshape(given, [])
  }
}
