import Support
import TensorIR

/// How a value lies within the memory of its copy with a border around it, which alone reads it.
///
/// What computes the value writes it there, and the copy writes the border only.
struct Halo {
  /// The copy with the border.
  var copy: ValueID
  /// The strides of the value, which are those of the copy.
  var strides: [Dim]
  /// The position of the value's first element in the copy.
  var offset: Int
}

extension LaidOutGraph {
  /// The values that kernels may write into their copies with borders, if `mayStride` says so of their nodes.
  func findHalos(where mayStride: (Node) -> Bool) -> [ValueID: Halo] {
    let (producers, uses) = (graph.producers(), graph.useCounts())
    var halos: [ValueID: Halo] = [:]
    for node in graph.nodes {
      guard case .map(let map) = node.primitive, node.operands.count == 1, let source = node.operands.first,
        uses[source.index] == 1, let position = producers[source.index], mayStride(graph.nodes[position]),
        halos[node.results[0]] == nil, let halo = halo(of: source, in: node.results[0], map)
      else { continue }
      halos[source] = halo
    }
    return halos
  }

  private func halo(of source: ValueID, in copy: ValueID, _ map: Map) -> Halo? {
    let layout = layouts[copy.index]
    guard layout == layouts[source.index], !graph.outputs.contains(copy),
      let extents = graph.shape(of: source).constants, let padded = map.shape.constants, !extents.contains(0),
      extents.count == padded.count, extents != padded, let inner = layout.order.last, extents[inner] == padded[inner],
      case .read(0, let indices, .some(let outside)) = map.body[map.body.results[0]],
      case .literal = map.body[outside]
    else { return nil }
    let strides = layout.strides(map.shape)
    var offset = 0
    for (axis, index) in indices.enumerated() {
      let form = LinearForm(index, in: map.body)
      guard form.isAffine, form.axes == [axis: 1], let before = (-form.constant).constant,
        before >= 0, before + extents[axis] <= padded[axis],
        let stride = strides[axis].constant
      else { return nil }
      offset += before * stride
    }
    // Borders are cut off the interior, which alone reads.
    let pieces = split(map, operands: [graph.type(of: source)])
    guard pieces.filter(\.readsOperands).count == 1 else { return nil }
    return Halo(copy: copy, strides: strides, offset: offset)
  }
}

extension MapPiece {
  /// Whether the piece is more than a number.
  var readsOperands: Bool { map.body.reachable.contains { if case .read = map.body[$0] { true } else { false } } }
}
