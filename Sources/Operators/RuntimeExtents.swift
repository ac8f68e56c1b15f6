import Support
import TensorIR

/// Arguments that say how large results are, whether the compiler knows them or only a call does.
extension GraphBuilder {
  /// The elements of an argument as extents: known ones, else measured by a call, which fails if one is negative.
  ///
  /// - Throws: `ModelError.unsupported` if the number of elements is not known.
  mutating func extents(_ value: ValueID, _ what: String, as name: String) throws(ModelError) -> [Dim] {
    if knownIntegers(value) != nil { return try requireIntegers(value, what) }
    return measured(try integerVector(value, what), as: name)
  }

  /// A single extent, given as a number of any type.
  mutating func scalarExtent(_ value: ValueID, _ what: String, as name: String) throws(ModelError) -> Dim {
    let known: [Dim]
    if type(of: value).element.isFloat, let constant = constantValue(value) {
      known = constant.doubles.map { Dim(Int($0.magnitude < 1e15 ? $0 : 1e15)) }
    } else {
      known = try extents(try integers(of: value), what, as: name)
    }
    guard known.count == 1 else { throw .invalid("\(what) must be one number") }
    return known[0]
  }

  private mutating func integers(of value: ValueID) throws(ModelError) -> ValueID {
    type(of: value).element.isFloat ? try cast(value, to: .i64) : value
  }

  /// The elements of an argument as an `i64` vector of constant length.
  mutating func integerVector(_ value: ValueID, _ what: String) throws(ModelError) -> ValueID {
    let type = type(of: value)
    guard type.element.isInteger else { throw .invalid("\(what) must be integers, not \(type.element.rawValue)") }
    guard let count = type.shape.product.constant else {
      throw .unsupported("how many numbers \(what) has is known at run time only", hint: "give it a fixed shape")
    }
    guard count <= 64 else { throw .invalid("\(what) has \(count) numbers") }
    return reshape(try cast(value, to: .i64), [Dim(count)])
  }

  /// Extents that a call computes from operands; it fails if one is negative.
  mutating func computedExtents(
    _ name: String, _ operands: [ValueID], _ compute: (inout ScalarGraph) -> [ScalarID]
  ) -> [Dim] {
    let vector = computedVector(operands, compute)
    return vector.map { measured($0, as: name) } ?? []
  }

  /// An `i64` vector with the given elements; nil if there are none.
  mutating func computedVector(_ operands: [ValueID], _ compute: (inout ScalarGraph) -> [ScalarID]) -> ValueID? {
    var body = ScalarGraph()
    let values = compute(&body)
    guard var result = values.last else { return nil }
    let position = body.axis(0)
    for (index, value) in values.enumerated().dropLast().reversed() {
      result = body.select(body.compare(.equal, position, body.integer(index)), value, result)
    }
    body.results = [result]
    return map([Dim(values.count)], body, operands)
  }
}

extension ScalarGraph {
  /// Axes given as elements of an operand, counted from the front; -1 where one is out of range.
  mutating func axes(_ operand: Int, count: Int, rank: Int) -> [ScalarID] {
    (0..<count).map { position in
      let given = read(operand, [integer(position)], type: .i64)
      let axis = select(compare(.less, given, integer(0)), plus(given, integer(rank)), given)
      let isValid = all([compare(.greaterOrEqual, axis, integer(0)), compare(.less, axis, integer(rank))])
      return select(isValid, axis, integer(-1))
    }
  }

  /// The products of the extents before, at and after the axis that element 0 of an operand names; then the axis, -1 where it is
  /// out of range.
  mutating func folded(_ shape: [Dim], around operand: Int, rank: Int) -> [ScalarID] {
    let axis = axes(operand, count: 1, rank: rank)[0]
    func product(_ op: ScalarCompare) -> ScalarID {
      shape.enumerated().reduce(integer(1)) { product, own in
        let counts = compare(op, integer(own.offset), axis)
        return times(product, select(counts, dim(own.element), integer(1)))
      }
    }
    return [product(.less), product(.equal), product(.greater), axis]
  }

  /// Whether any of some conditions holds.
  mutating func any(_ conditions: [ScalarID]) -> ScalarID {
    guard let first = conditions.first else { return integer(0, .bool) }
    return conditions.dropFirst().reduce(first) { binary(.or, $0, $1) }
  }

  /// The conditions that each of `rank` axes is among the given ones.
  mutating func marks(_ axes: [ScalarID], rank: Int) -> [ScalarID] {
    (0..<rank).map { axis in
      let hits = axes.map { compare(.equal, $0, integer(axis)) }
      return any(hits)
    }
  }

  /// The values whose condition holds, moved to the front of a list of a given length; 0 fills the rest.
  mutating func chosen(_ values: [ScalarID], where conditions: [ScalarID], count: Int) -> [ScalarID] {
    var ranks: [ScalarID] = []
    var next = integer(0)
    for condition in conditions {
      ranks.append(next)
      next = plus(next, cast(condition, to: .i64))
    }
    return (0..<count).map { place in
      values.indices.reduce(integer(0)) { found, index in
        let isHere = binary(.and, conditions[index], compare(.equal, ranks[index], integer(place)))
        return select(isHere, values[index], found)
      }
    }
  }
}
