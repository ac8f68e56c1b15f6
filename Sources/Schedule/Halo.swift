import Support
import TensorIR

/// How a value lies within the memory of a larger copy, which alone reads it: one with a border, or one that joins values.
///
/// What computes the value writes it there, and the copy writes only what else it has.
struct Halo {
  var copy: ValueID
  /// The strides of the value, which are those of the copy.
  var strides: [Dim]
  /// The position of the value's first element in the copy.
  var offset: Int
  /// Whether rows of the value, its innermost axis aside, end where those of the copy go on.
  var endsRows: Bool
}

extension LaidOutGraph {
  /// The values that kernels may write into their copies, if `mayStride` says so of their nodes.
  func findHalos(where mayStride: (Node, Halo) -> Bool) -> [ValueID: Halo] {
    let (producers, uses) = (graph.producers(), graph.useCounts())
    var halos: [ValueID: Halo] = [:]
    var copies: Set<ValueID> = []
    for node in graph.nodes {
      guard case .map(let map) = node.primitive else { continue }
      for (source, halo) in self.halos(in: node, map) {
        guard uses[source.index] == 1, !copies.contains(source), let position = producers[source.index],
          mayStride(graph.nodes[position], halo)
        else { continue }
        halos[source] = halo
        copies.insert(halo.copy)
      }
    }
    return halos
  }

  /// The operands that a map copies whole, each to one place, and reads nowhere else.
  private func halos(in node: Node, _ map: Map) -> [(ValueID, Halo)] {
    let copy = node.results[0]
    let layout = layouts[copy.index]
    let types = node.operands.map { graph.type(of: $0) }
    guard let inner = layout.order.last, let strides = layout.strides(map.shape).constants,
      !graph.outputs.contains(copy), !hasAlternatives(map, layout, types)
    else { return [] }
    let pieces = split(map, operands: types, facts: facts)
    let isJoin = pieces.allSatisfy { $0.copiedOperand != nil }
    return pieces.compactMap { piece in
      guard let operand = piece.copiedOperand, types[operand].shape == piece.map.shape, piece.map.shape != map.shape,
        case let source = node.operands[operand], layouts[source.index] == layout,
        pieces.count(where: { $0.reads(anyOf: [operand]) }) == 1, let lower = piece.lower.constants
      else { return nil }
      let endsRows = map.shape.indices.contains { $0 != inner && piece.map.shape[$0] != map.shape[$0] }
      // Vectors run along the innermost axis; where it has a border, a copy costs less.
      if piece.map.shape[inner] != map.shape[inner] && (endsRows || !isJoin) { return nil }
      let offset = zip(lower, strides).reduce(0) { $0 + $1.0 * $1.1 }
      return (source, Halo(copy: copy, strides: strides.map { Dim($0) }, offset: offset, endsRows: endsRows))
    }
  }
}

extension MapPiece {
  /// Whether the piece reads any of some operands.
  func reads(anyOf operands: Set<Int>) -> Bool {
    map.body.reachable.contains { if case .read(let operand, _, _) = map.body[$0] { operands.contains(operand) } else { false } }
  }

  /// The operand of which every position of the piece is the element at the same position.
  fileprivate var copiedOperand: Int? {
    guard case .read(let operand, let indices, nil) = map.body[map.body.results[0]], indices.count == map.shape.count,
      zip(indices, map.shape.indices).allSatisfy({ index, axis in
        let form = LinearForm(index, in: map.body)
        return form.isAffine && form.constant == 0 && (form.axes == [axis: 1] || form.axes.isEmpty && map.shape[axis] == 1)
      })
    else { return nil }
    return operand
  }
}
