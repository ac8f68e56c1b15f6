import Support
import TensorIR

/// Determinants of small matrices, by expansion along rows.
struct Det: Operator {
  let name = OperatorName("Det", versions: 11, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    guard type.rank >= 2, type.shape[type.rank - 1] == type.shape[type.rank - 2] else {
      throw .invalid("matrices of shape \(type.shape) are not square")
    }
    guard let size = type.shape[type.rank - 1].constant, size <= 8 else {
      throw .unsupported("determinants are supported for up to 8 rows of a fixed number")
    }
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
    return [b.map(outer, body, [x])]
  }
}
