import Support
import TensorIR

/// A map whose results' last axis are pairs of 16-bit numbers, as one of words along the axis before.
struct PairedMap {
  let map: Map
  let layout: Layout

  /// Nil for other maps, and for those that read pairs and the axis before as one.
  init?(_ map: Map, _ operands: [View], _ layout: Layout) {
    let last = map.shape.count - 1
    let body = map.body
    guard last > 0, map.shape[last] == 2, layout.order.last == last, body.results.count == 1,
      case let type = body.type(of: body.results[0]), type.storage.bytes == 2
    else { return nil }
    let isRead = zip([1, 2], [last, last - 1]).allSatisfy { stride, axis in
      readStrides(body, operands, along: axis).allSatisfy { $0 == Dim(stride) }
    }
    if isRead { return nil }
    let types = operands.map { TensorType($0.element, $0.shape) }
    var words = ScalarGraph()
    let halves = (0..<2).map { number in
      var lower = [Dim](repeating: 0, count: last + 1)
      lower[last] = Dim(number)
      let half = restricted(body, lower, Array(map.shape.dropLast()) + [1], types)
      let value = words.insert(half) { _, _, _ in nil }[0]
      return words.cast(words.bitcast(value, to: .u16), to: .u32)
    }
    words.results = [words.binary(.or, halves[0], words.binary(.shiftLeft, halves[1], words.integer(16, .u32)))]
    self.map = Map(shape: Array(map.shape.dropLast()), body: words)
    self.layout = Layout(order: layout.order.dropLast())
  }

  /// The results seen as words.
  static func words(_ result: View) -> View {
    var words = result
    words.element = .u32
    words.shape.removeLast()
    words.strides = result.strides.dropLast().map { $0.floorDivided(by: 2) }
    return words
  }
}
