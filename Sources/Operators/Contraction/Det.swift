import Support
import TensorIR

/// Determinants of square matrices.
struct Det: Operator {
  let name = OperatorName("Det", versions: 11, 22)
  /// Larger matrices are eliminated column by column.
  private let expansionLimit = 6

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the argument has rank \(type.rank); at least 2 is needed") }
    try b.requireEqual(type.shape[type.rank - 1], type.shape[type.rank - 2], "the matrices are not square")
    if let size = type.shape[type.rank - 1].constant, size <= expansionLimit { return [expanded(x, size, &b)] }
    return [try eliminated(x, &b)]
  }

  /// The sum over the first row of entries times determinants of what is left, and so on.
  private func expanded(_ x: ValueID, _ size: Int, _ b: inout GraphBuilder) -> ValueID {
    let type = b.type(of: x)
    let outer = Array(type.shape.dropLast(2))
    var body = ScalarGraph()
    let lead = outer.indices.map { body.axis($0) }
    // Minors of the last rows by their set of columns.
    var minors = [0: body.number(1, type.element)]
    for row in (0..<size).reversed() {
      var next: [Int: ScalarID] = [:]
      for columns in 0..<(1 << size) where columns.nonzeroBitCount == size - row {
        var sum: ScalarID?
        var isNegative = false
        for column in 0..<size where columns & (1 << column) != 0 {
          guard let minor = minors[columns & ~(1 << column)] else { continue }
          let entry = body.read(0, lead + [body.integer(row), body.integer(column)], type: type.element)
          let term = body.times(entry, minor)
          sum = sum.map { isNegative ? body.minus($0, term) : body.plus($0, term) } ?? term
          isNegative.toggle()
        }
        next[columns] = sum
      }
      minors = next
    }
    if let result = minors[(1 << size) - 1] { body.results = [result] }
    return b.map(outer, body, [x])
  }

  /// The product of the pivots of an elimination that takes the greatest entry of a column as its pivot.
  private func eliminated(_ x: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    let size = shape[shape.count - 1]
    let batch = Array(shape.dropLast(2)).product
    let element = b.type(of: x).element
    let matrices = try b.cast(b.reshape(x, [batch, size, size]), to: element.precise)
    let wide = b.type(of: matrices).element
    let start = try b.broadcast(b.scalar(1, wide), to: [batch])
    var inner = GraphBuilder(inside: b)
    let step = inner.input(TensorType(.i64, []))
    let (matrix, product) = (inner.input(b.type(of: matrices)), inner.input(b.type(of: start)))
    let next = try eliminate(step, matrix, product, &inner)
    let scan = Scan(
      length: size, carried: 2, scanned: 0, reversedInputs: [], reversedOutputs: [], body: inner.finish(outputs: next))
    let result = b.add(.scan(scan), [matrices, start])[1]
    return try b.cast(b.reshape(result, Array(shape.dropLast(2))), to: element)
  }

  /// The matrices after a column is eliminated, and the product with its pivot.
  private func eliminate(
    _ step: ValueID, _ matrix: ValueID, _ product: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let type = b.type(of: matrix)
    let (batch, size) = (type.shape[0], type.shape[1])
    var search = ScalarGraph()
    let current = search.read(1, [], type: .i64)
    let entry = search.unary(.abs, search.read(0, [search.axis(0), search.axis(1), current], type: type.element))
    let isOpen = search.compare(.greaterOrEqual, search.axis(1), current)
    search.results = [search.select(isOpen, entry, search.number(-1, type.element))]
    let row = b.reduce(.argMaxFirst, shape: [batch], reduced: [size], operands: [matrix, step], body: search)[1]
    var update = ScalarGraph()
    let own = update.axis(1)
    let column = update.read(1, [], type: .i64)
    let pivotRow = update.read(2, [update.axis(0)], type: .i64)
    // The pivot's row and the current one change places.
    let isCurrent = update.compare(.equal, own, column)
    let displaced = update.select(update.compare(.equal, own, pivotRow), column, own)
    func at(_ row: ScalarID, _ column: ScalarID) -> ScalarID {
      update.read(0, [update.axis(0), row, column], type: type.element)
    }
    let source = update.select(isCurrent, pivotRow, displaced)
    let pivot = at(pivotRow, column)
    let isZero = update.compare(.equal, pivot, update.number(0, type.element))
    let factor = update.over(at(source, column), update.select(isZero, update.number(1, type.element), pivot))
    let value = at(source, update.axis(2))
    let reduced = update.minus(value, update.times(factor, at(pivotRow, update.axis(2))))
    let changes = update.binary(.and, update.compare(.greater, own, column), update.unary(.not, isZero))
    update.results = [update.select(changes, reduced, value)]
    var finish = ScalarGraph()
    let place = finish.read(2, [], type: .i64)
    let chosen = finish.read(3, [finish.axis(0)], type: .i64)
    let factorOfProduct = finish.read(1, [finish.axis(0), chosen, place], type: type.element)
    let signed = finish.select(finish.compare(.equal, chosen, place), factorOfProduct, finish.negate(factorOfProduct))
    finish.results = [finish.times(finish.read(0, [finish.axis(0)], type: type.element), signed)]
    return [
      b.map(type.shape, update, [matrix, step, row]), b.map([batch], finish, [product, matrix, step, row]),
    ]
  }
}
