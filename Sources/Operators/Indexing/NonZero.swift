import Support
import TensorIR

/// The positions of elements that are not zero, one row for each axis.
struct NonZero: Operator {
  let name = OperatorName("NonZero", versions: 9, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    if let known = known(x, b) { return [b.constant(known)] }
    let type = b.type(of: x)
    // A scalar counts as a vector of one element.
    let shape = type.rank == 0 ? [1] : type.shape
    let (positions, count) = b.positions(in: shape, "nonzero", [b.reshape(x, shape)]) { graph in
      let axes = shape.indices.map { graph.axis($0) }
      let value = graph.read(0, axes, type: type.element)
      return graph.compare(.notEqual, value, graph.number(0, type.element))
    }
    var body = ScalarGraph()
    let flat = body.read(0, [body.axis(1)], type: .i64)
    var row = body.integer(0)
    for axis in shape.indices {
      let isHere = body.compare(.equal, body.axis(0), body.integer(axis))
      row = body.select(isHere, body.coordinate(axis, of: flat, in: shape), row)
    }
    body.results = [row]
    return [b.map([Dim(shape.count), count], body, [positions])]
  }

  private func known(_ x: ValueID, _ b: GraphBuilder) -> ConstantTensor? {
    guard let dims = b.shape(of: x).constants, !dims.isEmpty, let constant = b.constantValue(x) else { return nil }
    let elements = constant.doubles
    let found = elements.indices.filter { elements[$0] != 0 }
    var rows: [Int] = []
    for axis in dims.indices {
      let stride = dims[(axis + 1)...].reduce(1, *)
      rows += found.map { $0 / stride % dims[axis] }
    }
    return ConstantTensor(.i64, dims: [dims.count, found.count], integers: rows)
  }
}

extension GraphBuilder {
  /// The row-major positions in a shape at which a condition holds, and how many there are.
  mutating func positions(
    in shape: [Dim], _ name: String, _ operands: [ValueID], _ condition: (inout ScalarGraph) -> ScalarID
  ) -> (positions: ValueID, count: Dim) {
    var body = ScalarGraph()
    body.results = [condition(&body)]
    let (used, compacted) = GraphBuilder.compact(body, operands)
    let found = add(.compact(Compact(shape: shape, condition: compacted)), used)
    let count = measured(found[1], as: name)[0]
    assume([DimFact(count, .atMost, shape.product)])
    return (found[0], count)
  }
}

extension ScalarGraph {
  /// The position along one axis of a row-major position in a shape.
  mutating func coordinate(_ axis: Int, of position: ScalarID, in shape: [Dim]) -> ScalarID {
    let inner = Array(shape[(axis + 1)...]).product
    let quotient = inner == 1 ? position : binary(.floorDivide, position, dim(.maximum(inner, 1)))
    return axis == 0 ? quotient : binary(.floorRemainder, quotient, dim(.maximum(shape[axis], 1)))
  }
}
