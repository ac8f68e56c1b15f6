import Support
import TensorIR

extension ScalarGraph {
  /// An index that counts from the back where it is negative, kept within `0 ..< extent`.
  ///
  /// Out of range indices make a model's result undefined, but never read foreign memory.
  mutating func wrappedIndex(_ index: ScalarID, extent: Dim) -> ScalarID {
    let index = cast(index, to: .i64)
    let end = dim(extent)
    let fromFront = select(compare(.less, index, integer(0)), plus(index, end), index)
    return clamped(fromFront, extent: extent)
  }

  /// The position in `0 ..< extent` nearest to an index.
  mutating func clamped(_ index: ScalarID, extent: Dim) -> ScalarID {
    binary(.max, binary(.min, index, dim(extent - 1)), integer(0))
  }

  /// The row-major number of a position in a shape.
  mutating func rowMajor(_ axes: [ScalarID], _ shape: [Dim]) -> ScalarID {
    zip(axes, shape).reduce(integer(0)) { plus(times($0, dim($1.1)), $1.0) }
  }

  /// The last place of a rising vector of `count` elements, an operand, whose element is not above a value; 0 without any. By halving.
  mutating func lastPlace(in operand: Int, count: Int, notAbove value: ScalarID) -> ScalarID {
    let type = type(of: value)
    let none = integer(0, type)
    var step = 1
    while step * 2 < count { step *= 2 }
    var place = integer(0)
    while step > 0 {
      let next = plus(place, integer(step))
      let element = read(operand, [next], outside: none, type: type)
      let goesOn = all([compare(.less, next, integer(count)), compare(.lessOrEqual, element, value)])
      place = select(goesOn, next, place)
      step /= 2
    }
    return place
  }

  /// The conjunction of conditions; true without any.
  mutating func all(_ conditions: [ScalarID]) -> ScalarID {
    guard let first = conditions.first else { return integer(1, .bool) }
    return conditions.dropFirst().reduce(first) { binary(.and, $0, $1) }
  }

  /// A literal of the type's greatest or least value, infinite for floats.
  mutating func extreme(_ combiner: Combiner, _ element: ElementType) -> ScalarID {
    add(.literal(combiner.identity(element), element), type: element)
  }

  /// Integer positions below `extent` mirrored at both ends without repeating the border; those within stay as they are.
  mutating func reflected(_ index: ScalarID, extent: Dim) -> ScalarID {
    if extent == 1 { return integer(0) }
    let period = dim(.maximum(extent * 2 - 2, 1))
    let phase = binary(.floorRemainder, index, period)
    let isWithin = all([compare(.greaterOrEqual, index, integer(0)), compare(.less, index, dim(extent))])
    return select(isWithin, index, binary(.min, phase, minus(period, phase)))
  }
}
