import Support
import TensorIR

/// Replaces the division in `clamp(rint(x / scale) + offset)` by multiplications that give the same result for every
/// `x`.
///
/// The quotient is `x * high + x * low`, where `high + low` is the reciprocal in twice the precision. It is the rounded
/// quotient but for numbers very close to the middle of two floats, and those matter only next to the middle of two
/// integers; there all of them are tried. Clamping first keeps infinity out.
///
/// N. Brisebarre, J.-M. Muller and S. K. Raina, "Accelerating correctly rounded floating-point division when the
/// divisor is known in advance", 2004.
func divideByConstants(_ graph: Graph) -> Graph {
  var result = graph
  for position in graph.nodes.indices { result.nodes[position].primitive.rewriteScalars { $0.withoutDivisions } }
  return result
}

extension ScalarGraph {
  fileprivate var withoutDivisions: ScalarGraph {
    var isChanged = false
    var replaced = ScalarGraph()
    replaced.results = replaced.insert(self) { graph, node, copied in
      guard let quantization = ConstantQuantization(node, in: self) else { return nil }
      isChanged = true
      return quantization.node(copied(quantization.value), in: &graph)
    }
    return isChanged ? replaced.pruned() : self
  }
}

/// `clamp(rint(value / scale) + offset)` of `f32` numbers with literals.
private struct ConstantQuantization {
  let value: ScalarID
  private let offset: Double?
  /// The greatest and least values that are not clamped.
  private let limits: ClosedRange<Float>
  private let high: Float
  private let low: Float

  init?(_ node: ScalarNode, in graph: ScalarGraph) {
    guard case .binary = node, let id = graph.id(of: node), graph.type(of: id) == .f32,
      let (clamped, bounds) = graph.clamp(id), abs(bounds.lowerBound) <= 0x1p16, abs(bounds.upperBound) <= 0x1p16,
      bounds.lowerBound == bounds.lowerBound.rounded(), bounds.upperBound == bounds.upperBound.rounded()
    else { return nil }
    var rounded = clamped
    if case .binary(.add, let sum, let term) = graph[clamped], let number = graph.numberValue(term) {
      guard bounds.contains(number), number == number.rounded() else { return nil }
      (rounded, offset) = (sum, number)
    } else {
      offset = nil
    }
    guard case .unary(.rint, let quotient) = graph[rounded],
      case .binary(.divide, let value, let divisor) = graph[quotient],
      let number = graph.numberValue(divisor), case let scale = Float(number), Double(scale) == number,
      scale > 0x1p-60, scale < 0x1p60
    else { return nil }
    self.value = value
    high = 1 / scale
    low = Float(1 / Double(scale) - Double(high))
    let (first, last) = (Float(bounds.lowerBound - (offset ?? 0)), Float(bounds.upperBound - (offset ?? 0)))
    limits = first * scale...last * scale
    guard (limits.lowerBound / scale).rounded() == first, (limits.upperBound / scale).rounded() == last,
      isExact(scale, Int(first)..<Int(last))
    else { return nil }
  }

  /// Whether the quotient rounds to the same integer at both limits, and at all numbers from which the next integer is
  /// near: both quotients are less than one unit in the last place wrong, which is up to two of `x`.
  private func isExact(_ scale: Float, _ integers: Range<Int>) -> Bool {
    func isSame(_ x: Float) -> Bool { (x / scale).rounded(.toNearestOrEven) == quotient(x).rounded(.toNearestOrEven) }
    return isSame(limits.lowerBound) && isSame(limits.upperBound)
      && integers.allSatisfy { integer in
        let middle = (Float(integer) + 0.5) * scale
        return (-3...3).allSatisfy { isSame(middle + Float($0) * middle.ulp) }
      }
  }

  private func quotient(_ x: Float) -> Float { (x * low).addingProduct(x, high) }

  func node(_ value: ScalarID, in graph: inout ScalarGraph) -> ScalarID {
    func literal(_ value: Float) -> ScalarID { graph.number(Double(value), .f32) }
    let atLeast = graph.binary(.max, value, literal(limits.lowerBound))
    let clamped = graph.binary(.min, atLeast, literal(limits.upperBound))
    let rest = graph.times(clamped, literal(low))
    let rounded = graph.unary(.rint, graph.multiplyAdd(clamped, literal(high), rest))
    return offset.map { graph.plus(rounded, graph.number($0, .f32)) } ?? rounded
  }
}
