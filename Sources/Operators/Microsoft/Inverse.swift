import Support
import TensorIR

/// Inverses of matrices by Gauss-Jordan elimination with the largest pivot of each column.
struct Inverse: Operator {
  let name = OperatorName("Inverse", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the argument has rank \(type.rank); at least 2 is needed") }
    let size = type.shape[type.rank - 1]
    try b.requireEqual(size, type.shape[type.rank - 2], "matrices of shape \(type.shape) are not square")
    let element: ElementType = type.element == .f64 ? .f64 : .f32
    let outer = type.shape.dropLast(2).product
    let matrices = b.reshape(try b.cast(x, to: element), [outer, size, size])
    // The identity beside the matrix becomes the inverse while the matrix becomes the identity.
    var start = ScalarGraph()
    let axes = (0..<3).map { start.axis($0) }
    let isUnit = start.compare(.equal, axes[2], start.plus(axes[1], start.dim(size)))
    let unit = start.select(isUnit, start.number(1, element), start.number(0, element))
    start.results = [start.read(0, axes, outside: unit, type: element)]
    let augmented = b.map([outer, size, size * 2], start, [matrices])
    let scan = Scan(
      length: size, carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: step(TensorType(element, [outer, size, size * 2]), b))
    let reduced = b.add(.scan(scan), [augmented])[0]
    let inverse = b.slice(reduced, axis: 2, from: size, count: size)
    return [try b.cast(b.reshape(inverse, type.shape), to: type.element)]
  }

  /// The body of step k: the row with the pivot of column k is scaled and moved to row k, and subtracted from the
  /// others.
  private func step(_ type: TensorType, _ b: GraphBuilder) -> Graph {
    var inner = GraphBuilder(inside: b)
    let number = inner.input(TensorType(.i64, []))
    let state = inner.input(type)
    let element = type.element
    var search = ScalarGraph()
    let column = search.read(1, [], type: .i64)
    let entry = search.unary(.abs, search.read(0, [search.axis(0), search.axis(1), column], type: element))
    let isBelow = search.compare(.greaterOrEqual, search.axis(1), column)
    search.results = [search.select(isBelow, entry, search.number(-1, element))]
    let pivot = inner.reduce(
      .argMaxFirst, shape: [type.shape[0]], reduced: [type.shape[1]], operands: [state, number], body: search)[1]
    var body = ScalarGraph()
    let (matrix, row, target) = (body.axis(0), body.axis(1), body.axis(2))
    let k = body.read(1, [], type: .i64)
    let chosen = body.read(2, [matrix], type: .i64)
    func read(_ row: ScalarID, _ column: ScalarID) -> ScalarID { body.read(0, [matrix, row, column], type: element) }
    let scaled = body.over(read(chosen, target), read(chosen, k))
    // Row k moves to where the pivot was.
    let source = body.select(body.compare(.equal, row, chosen), k, row)
    let rest = body.minus(read(source, target), body.times(read(source, k), scaled))
    body.results = [body.select(body.compare(.equal, row, k), scaled, rest)]
    let next = inner.map(type.shape, body, [state, number, pivot])
    return inner.finish(outputs: [next])
  }
}
