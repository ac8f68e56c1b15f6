import Support
import TensorIR

/// Elements added before and after along axes, or removed where the amount is negative.
struct Pad: Operator {
  let name = OperatorName("Pad", versions: 1, 2, 11, 13, 18, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let amounts = try amounts(node, type.shape, &b)
    let mode = try node.string("mode", default: "constant")
    var operands = [x]
    var body = ScalarGraph()
    var indices = type.shape.indices.map { axis in
      if let known = amounts.before[axis] { return body.affine(body.axis(axis), scale: 1, offset: -known) }
      return body.minus(body.axis(axis), body.read(1, [body.integer(axis)], type: .i64))
    }
    if let vector = amounts.vector { operands.append(vector) }
    for axis in indices.indices where amounts.shape[axis] != type.shape[axis] || amounts.before[axis] != 0 {
      let extent = type.shape[axis]
      if mode != "constant" {
        try b.requireAtMost(.minimum(amounts.shape[axis], 1), extent, "there are no elements to repeat in dimension \(axis)")
      }
      switch mode {
      case "constant": break
      case "edge": indices[axis] = body.clamped(indices[axis], extent: extent)
      case "reflect": indices[axis] = body.reflected(indices[axis], extent: extent)
      case "wrap": indices[axis] = body.wrapped(indices[axis], at: body.axis(axis), extent, amounts.shape[axis])
      default: throw .invalid("attribute 'mode' is '\(mode)'")
      }
    }
    if mode == "constant" {
      let value = try filler(node, type.element, &b)
      operands.append(value)
      let outside = b.literal(value, in: &body) ?? body.read(operands.count - 1, [], type: type.element)
      body.results = [body.read(0, indices, outside: outside, type: type.element)]
    } else {
      body.results = [body.read(0, indices, type: type.element)]
    }
    return [b.map(amounts.shape, body, operands)]
  }

  /// What is added to each axis.
  private struct Amounts {
    var shape: [Dim]
    /// Before each axis; nil where only a call knows.
    var before: [Dim?]
    /// The amounts before each axis as a value, where a call computes them.
    var vector: ValueID?
  }

  private func amounts(_ node: OperatorNode, _ shape: [Dim], _ b: inout GraphBuilder) throws(ModelError) -> Amounts {
    var axes = AxesArgument.known(Array(shape.indices))
    if node.version >= 18, let argument = node.optionalInput(3) {
      axes = b.knownIntegers(argument) == nil
        ? .open(argument) : .known(try b.requireConstantIntegers(argument, "the axes"))
    }
    if node.version < 11 {
      guard let given = try node.ints(node.version < 2 ? "paddings" : "pads") else {
        throw .invalid("attribute 'pads' is missing")
      }
      return try known(given.map { Dim($0) }, Array(shape.indices), shape)
    }
    let argument = try node.input(1)
    if case .known(let axes) = axes, b.knownIntegers(argument) != nil {
      return try known(try b.requireIntegers(argument, "the pads"), axes, shape)
    }
    return try measured(try b.integerVector(argument, "the pads"), axes, shape, &b)
  }

  private func known(_ pads: [Dim], _ axes: [Int], _ shape: [Dim]) throws(ModelError) -> Amounts {
    guard pads.count == 2 * axes.count else { throw .invalid("there are \(pads.count) pads for \(axes.count) axes") }
    var amounts = Amounts(shape: shape, before: shape.map { _ in 0 })
    for (position, given) in axes.enumerated() {
      let axis = try normalizedAxis(given, rank: shape.count, name: "axes:")
      amounts.before[axis] = pads[position]
      amounts.shape[axis] = shape[axis] + pads[position] + pads[axes.count + position]
    }
    return amounts
  }

  private func measured(_ pads: ValueID, _ axes: AxesArgument, _ shape: [Dim], _ b: inout GraphBuilder)
    throws(ModelError) -> Amounts
  {
    let (vector, count) = try axes.vector(&b)
    guard b.shape(of: pads) == [Dim(2 * count)] else {
      throw .invalid("there are \(b.shape(of: pads)[0]) pads for \(count) axes")
    }
    func amount(_ axis: Int, from start: Int, _ graph: inout ScalarGraph) -> ScalarID {
      let places = graph.axes(1, count: count, rank: shape.count)
      return places.enumerated().reduce(graph.integer(0)) { found, place in
        let value = graph.read(0, [graph.integer(start + place.offset)], type: .i64)
        return graph.select(graph.compare(.equal, place.element, graph.integer(axis)), value, found)
      }
    }
    let before = b.computedVector([pads, vector]) { graph in
      shape.indices.map { amount($0, from: 0, &graph) }
    }
    let extents = b.computedExtents("padded", [pads, vector]) { graph in
      shape.indices.map { axis in
        let ends = graph.plus(amount(axis, from: 0, &graph), amount(axis, from: count, &graph))
        return graph.plus(graph.dim(shape[axis]), ends)
      } + (graph.axes(1, count: count, rank: shape.count))
    }
    let known = before.flatMap { b.partlyKnownIntegers($0) } ?? shape.map { _ in nil }
    return Amounts(shape: Array(extents.prefix(shape.count)), before: known, vector: before)
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

extension ScalarGraph {
  /// The index of the element that a position of a result shows, where `index` is the one without repetition: what negative
  /// amounts leave of the data is repeated.
  fileprivate mutating func wrapped(_ index: ScalarID, at position: ScalarID, _ extent: Dim, _ padded: Dim) -> ScalarID {
    let zero = integer(0)
    let removedBefore = binary(.max, minus(index, position), zero)
    let after = plus(dim(padded - extent), minus(index, position))
    let removedAfter = binary(.max, negate(after), zero)
    let count = binary(.max, minus(minus(dim(extent), removedBefore), removedAfter), integer(1))
    return plus(removedBefore, binary(.floorRemainder, minus(index, removedBefore), count))
  }
}
