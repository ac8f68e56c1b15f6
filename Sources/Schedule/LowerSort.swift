import LoopIR
import Support
import TensorIR

/// Lowers a sort: for every line along the axis, the few first elements are held in order, or positions are sorted by merging.
func lowerSort(_ sort: Sort, _ node: Node, _ scope: inout KernelScope, _ target: Target) -> [Statement] {
  let source = scope.view(node.operands[0], .read)
  let values = scope.view(node.results[0], .write)
  let positions = scope.view(node.results[1], .write)
  let length = source.shape[sort.axis]

  var variables: [(variable: Variable, extent: Dim)] = []
  var sourceBase = Expr.index(0)
  var resultBase = Expr.index(0)
  for axis in source.shape.indices where axis != sort.axis {
    let variable = scope.builder.index()
    variables.append((variable, source.shape[axis]))
    sourceBase = sourceBase + .variable(variable) * source.strides[axis].expr
    resultBase = resultBase + .variable(variable) * values.strides[axis].expr
  }
  let line = SortedLine(order: SortOrder(sort, source.element), source: source, axis: sort.axis, base: sourceBase)
  let front: Buffer
  let body: [Statement]
  let isSelection: Bool
  if let limit = sort.limit.constant, (1...SelectionLowering.mostHeld).contains(limit) {
    isSelection = true
    front = scope.builder.buffer(.i64)
    let selection = SelectionLowering(
      line: line, held: scope.builder.buffer(source.buffer.element), positions: front, limit: limit)
    body = selection.statements(length, target, &scope.builder)
  } else {
    isSelection = false
    front = scope.scratch(.i64, count: .maximum(1, length))
    let back = scope.scratch(.i64, count: .maximum(1, length))
    body = MergeLowering(line: line, length: length.expr, front: front, back: back).statements(&scope.builder)
  }
  let rank = scope.builder.index()
  let chosen = scope.builder.index()
  let place = resultBase + .variable(rank) * values.strides[sort.axis].expr
  let write: [Statement] = [
    .bind(chosen, .load(front, index: .variable(rank), lanes: 1, count: nil)),
    .store(values.buffer, index: place, value: line.element(.variable(chosen)), count: nil),
    .store(positions.buffer, index: place, value: .variable(chosen), count: nil),
  ]
  let output = Statement.loop(Loop(rank, from: .index(0), to: sort.limit.expr, body: write))
  return LoopNest.wrap(body + [output], variables, kind: isSelection ? .parallel : .serial)
}

/// Which of two elements comes first.
struct SortOrder {
  private let descending: Bool
  private let element: ElementType

  init(_ sort: Sort, _ element: ElementType) {
    descending = sort.descending
    self.element = element
  }

  /// Whether `a` comes strictly before `b`; NaN counts as the greatest value.
  private func precedes(_ a: Term, _ b: Term) -> Term {
    let order = descending ? a > b : a < b
    guard element.isFloat else { return order }
    let (nan, number) = descending ? (a, b) : (b, a)
    return order | ((nan != nan) & (number == number))
  }

  /// Whether `a` comes strictly before `b`, both as they are stored; `a` may be a vector.
  func precedes(_ a: Expr, _ b: Expr, _ builder: inout KernelBuilder) -> (statements: [Statement], value: Expr) {
    applyTerm([a, b], lanes: a.type.lanes, in: &builder) { precedes($0[0].decoded(element), $0[1].decoded(element)) }
  }
}

/// A line of elements to sort.
struct SortedLine {
  let order: SortOrder
  let source: View
  let axis: Int
  /// The element at position 0.
  let base: Expr

  var isDense: Bool { source.strides[axis] == 1 }

  func element(_ position: Expr, lanes: Int = 1) -> Expr {
    .load(source.buffer, index: base + position * source.strides[axis].expr, lanes: lanes, count: nil)
  }
}

/// The bottom-up merge sort of one line; sorted positions end in `front`.
private struct MergeLowering {
  let line: SortedLine
  let length: Expr
  let front: Buffer
  let back: Buffer

  func statements(_ builder: inout KernelBuilder) -> [Statement] {
    let position = builder.index()
    var statements: [Statement] = [
      .loop(
        Loop(position, from: .index(0), to: length, body: [
          .store(front, index: .variable(position), value: .variable(position), count: nil)
        ]))
    ]
    let width = builder.index()
    let start = builder.index()
    let merge = mergeRuns(.variable(width), .variable(start), &builder)
    let sweep: [Statement] = [
      .declare(start, .index(0)),
      .whileLoop(
        .compare(.less, .variable(start), length),
        body: merge + [.assign(start, .binary(.add, .variable(start), .binary(.multiply, .variable(width), .index(2))))]),
      .copy(to: front, index: .index(0), from: back, fromIndex: .index(0), count: length),
      .assign(width, .binary(.multiply, .variable(width), .index(2))),
    ]
    statements.append(.declare(width, .index(1)))
    statements.append(.whileLoop(.compare(.less, .variable(width), length), body: sweep))
    return statements
  }

  /// Merges the sorted runs `front[start ..< start + width]` and the one after it into `back`.
  private func mergeRuns(_ width: Expr, _ start: Expr, _ builder: inout KernelBuilder) -> [Statement] {
    let middle = builder.index()
    let end = builder.index()
    let left = builder.index()
    let right = builder.index()
    let output = builder.index()
    let takesLeft = builder.variable(ValueType(.bool))
    let leftPosition = builder.index()
    let rightPosition = builder.index()
    let (decoding, rightPrecedes) = line.order.precedes(
      line.element(.variable(rightPosition)), line.element(.variable(leftPosition)), &builder)
    let compare: [Statement] =
      [
        .bind(leftPosition, .load(front, index: .variable(left), lanes: 1, count: nil)),
        .bind(rightPosition, .load(front, index: .variable(right), lanes: 1, count: nil)),
      ] + decoding + [.assign(takesLeft, .unary(.not, rightPrecedes))]
    let step: [Statement] = [
      .declare(takesLeft, .compare(.less, .variable(left), .variable(middle))),
      .conditional(
        .binary(
          .and, .compare(.less, .variable(left), .variable(middle)), .compare(.less, .variable(right), .variable(end))),
        then: compare, otherwise: []),
      .conditional(
        .variable(takesLeft),
        then: [
          .store(back, index: .variable(output), value: .load(front, index: .variable(left), lanes: 1, count: nil), count: nil),
          .assign(left, .binary(.add, .variable(left), .index(1))),
        ],
        otherwise: [
          .store(back, index: .variable(output), value: .load(front, index: .variable(right), lanes: 1, count: nil), count: nil),
          .assign(right, .binary(.add, .variable(right), .index(1))),
        ]),
    ]
    return [
      .bind(middle, .binary(.min, .binary(.add, start, width), length)),
      .bind(end, .binary(.min, .binary(.add, start, .binary(.multiply, width, .index(2))), length)),
      .declare(left, start),
      .declare(right, .variable(middle)),
      .loop(Loop(output, from: start, to: .variable(end), body: step)),
    ]
  }
}
