import LoopIR
import Support
import TensorIR

/// Finds the first few elements of one line: they are held in order, and of the others most are passed over vector by vector.
struct SelectionLowering {
  /// The elements up to which moving them costs less than sorting all.
  static let mostHeld = 64

  let line: SortedLine
  /// The elements found so far and their positions.
  let held: Buffer
  let positions: Buffer
  let limit: Int

  func statements(_ length: Dim, _ target: Target, _ builder: inout KernelBuilder) -> [Statement] {
    let first = builder.index()
    let lanes = line.isDense ? target.lanes(line.source.buffer.element.bytes) : 1
    let others = sweep(length - Dim(limit), lanes, kind: .serial, &builder) { position, count, builder in
      let start = position + .index(limit)
      let next = builder.index()
      let all = Loop(next, from: start, to: start + .index(count), body: consider(.variable(next), &builder))
      guard count == lanes, lanes > 1 else { return [.loop(all)] }
      let (decoding, precedes) = line.order.precedes(line.element(start, lanes: count), last, &builder)
      return decoding + [.conditional(.reduceLanes(.or, precedes), then: [.loop(all)], otherwise: [])]
    }
    return [
      .allocate(held, count: limit), .allocate(positions, count: limit),
      .loop(
        Loop(first, from: .index(0), to: .index(limit), body: insert(.variable(first), at: .variable(first), &builder))),
    ] + others
  }

  /// The last of the elements that are held.
  private var last: Expr { .load(held, index: .index(limit - 1), lanes: 1, count: nil) }

  /// Holds an element in place of the last one if it comes before that.
  private func consider(_ position: Expr, _ builder: inout KernelBuilder) -> [Statement] {
    let (decoding, precedes) = line.order.precedes(line.element(position), last, &builder)
    return decoding + [
      .conditional(precedes, then: insert(position, at: .index(limit - 1), &builder), otherwise: [])
    ]
  }

  /// Holds an element in a place at the end, and moves it before all that it precedes.
  private func insert(_ position: Expr, at end: Expr, _ builder: inout KernelBuilder) -> [Statement] {
    let value = builder.variable(ValueType(held.element))
    let place = builder.index()
    let moves = builder.variable(ValueType(.bool))
    let before = builder.index()
    let previous = Expr.load(held, index: .variable(before), lanes: 1, count: nil)
    let (decoding, precedes) = line.order.precedes(.variable(value), previous, &builder)
    let move = store(previous, .load(positions, index: .variable(before), lanes: 1, count: nil), place) + [
      .assign(place, .variable(before)), .assign(moves, .compare(.less, .index(0), .variable(place))),
    ]
    let step: [Statement] = [.bind(before, .variable(place) + .index(-1))] + decoding + [
      .conditional(precedes, then: move, otherwise: [.assign(moves, .integer(0, .bool))])
    ]
    return [
      .bind(value, line.element(position)), .declare(place, end),
      .declare(moves, .compare(.less, .index(0), .variable(place))), .whileLoop(.variable(moves), body: step),
    ] + store(.variable(value), position, place)
  }

  private func store(_ value: Expr, _ position: Expr, _ place: Variable) -> [Statement] {
    [
      .store(held, index: .variable(place), value: value, count: nil),
      .store(positions, index: .variable(place), value: position, count: nil),
    ]
  }
}
