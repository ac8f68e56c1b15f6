import Support
import TensorIR

/// Matrix product with the broadcasting of numpy.
struct MatMul: Operator {
  let name = OperatorName("MatMul", versions: 1, 9, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let lhs = try node.input(0)
    let rhs = try node.input(1)
    try b.requireSameType([lhs, rhs])
    return [try b.matrixProduct(lhs, rhs, accumulator: b.type(of: lhs).element)]
  }
}

extension GraphBuilder {
  /// The product of matrices in the last two axes; the axes before broadcast, and vectors are promoted as numpy does.
  mutating func matrixProduct(
    _ lhs: ValueID, _ rhs: ValueID, accumulator: ElementType,
    epilogue: ((inout ScalarGraph, ScalarID) -> ScalarID)? = nil
  ) throws(ModelError) -> ValueID {
    let a = shape(of: lhs)
    let c = shape(of: rhs)
    guard a.count >= 1, c.count >= 1 else { throw .invalid("a matrix product takes no scalars") }
    let depth = a[a.count - 1]
    try requireEqual(depth, c[max(0, c.count - 2)], "shapes \(a) and \(c) do not multiply")
    let batch = try broadcast([Array(a.dropLast(2)), Array(c.dropLast(2))])
    if let (left, right) = alignedBatches(lhs, rhs, batch) {
      return try matrixProduct(left, right, accumulator: accumulator, epilogue: epilogue)
    }
    var outer = batch
    let rowAxis = a.count >= 2 ? outer.count : nil
    if a.count >= 2 { outer.append(a[a.count - 2]) }
    let columnAxis = c.count >= 2 ? outer.count : nil
    if c.count >= 2 { outer.append(c[c.count - 1]) }
    let sum = outer.count
    func batchIndices(_ shape: [Dim]) -> [AffineIndex] {
      let own = shape.dropLast(2)
      return own.enumerated().map { axis, dim in
        let position = batch.count - own.count + axis
        return dim == 1 && batch[position] != 1 ? AffineIndex() : .axis(position)
      }
    }
    var left = batchIndices(a)
    if let rowAxis { left.append(.axis(rowAxis)) }
    left.append(.axis(sum))
    var right = batchIndices(c)
    right.append(.axis(sum))
    if let columnAxis { right.append(.axis(columnAxis)) }
    var finish = ScalarGraph()
    let total = finish.accumulator(0, accumulator)
    finish.results = [epilogue?(&finish, total) ?? total]
    return add(
      .contract(
        Contract(shape: outer, reduced: [depth], lhs: left, rhs: right, accumulator: accumulator, epilogue: finish)),
      [lhs, rhs])[0]
  }

  /// Factors whose measured batch extents are repeated where they may be 1; nil if there is nothing to repeat.
  private mutating func alignedBatches(_ lhs: ValueID, _ rhs: ValueID, _ batch: [Dim]) -> (ValueID, ValueID)? {
    func isAligned(_ shape: [Dim]) -> Bool {
      let own = shape.dropLast(2)
      return zip(own.reversed(), batch.reversed()).allSatisfy { $0 == $1 || $0 == 1 || !($0.isMeasured || $1.isMeasured) }
    }
    let (a, c) = (shape(of: lhs), shape(of: rhs))
    if isAligned(a) && isAligned(c) { return nil }
    return (
      isAligned(a) ? lhs : repeated(lhs, in: batch + a.suffix(2)),
      isAligned(c) ? rhs : repeated(rhs, in: batch + c.suffix(2))
    )
  }
}
