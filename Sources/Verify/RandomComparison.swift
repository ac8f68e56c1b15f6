import ONNXReader
import Support

/// What can be compared of results that depend on random numbers, which every implementation draws in its own way.
enum RandomResults {
  /// Elements are kept or zero at random: those that both kept are equal, and as many are kept.
  case masked
  /// Elements are drawn at random: they lie in the same range and have the same mean.
  case drawn
}

extension Model {
  /// What the model's random operators leave to compare; nil if there are none.
  var randomResults: RandomResults? {
    let kinds = (graph.nodes + functions.flatMap(\.nodes)).flatMap { $0.randomKinds(opset: opsets[""] ?? 1) }
    return kinds.first { $0 == .drawn } ?? kinds.first
  }
}

extension NodeDef {
  /// What this node and those of its body graphs draw.
  fileprivate func randomKinds(opset: Int) -> [RandomResults] {
    let inner = attributes.values.flatMap { value -> [RandomResults] in
      switch value {
      case .graph(let body): body.nodes.flatMap { $0.randomKinds(opset: opset) }
      case .graphs(let bodies): bodies.flatMap(\.nodes).flatMap { $0.randomKinds(opset: opset) }
      case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types,
        .reference:
        []
      }
    }
    return inner + (domain.isEmpty || domain == "ai.onnx" ? ownRandomKind(opset).map { [$0] } ?? [] : [])
  }

  private func ownRandomKind(_ opset: Int) -> RandomResults? {
    switch opType {
    case "Bernoulli": .masked
    case "Dropout": opset < 7 ? (attributes["is_test"] == .int(1) ? nil : .masked) : inputs.count > 2 ? .masked : nil
    case "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike": .drawn
    default: nil
    }
  }
}

/// Throws if `actual` cannot come from the distribution that `expected` comes from.
func compare(
  _ actual: HostValue, to expected: HostValue, _ tolerance: Tolerance, _ random: RandomResults
) throws(Difference) {
  do {
    return try compare(actual, to: expected, tolerance)
  } catch {
    guard case .tensor(let a) = actual, case .tensor(let b) = expected, error.cause == "values differ",
      let x = a.doubles(), let y = b.doubles()
    else { throw error }
    switch random {
    case .masked:
      for index in x.indices where x[index] != 0 && y[index] != 0 {
        guard abs(x[index] - y[index]) <= tolerance.absolute + tolerance.relative * abs(y[index]) else {
          throw Difference(cause: "kept values differ", details: "\(x[index]) instead of \(y[index])")
        }
      }
      try compareMeans(x.map { $0 == 0 ? 0 : 1 }, y.map { $0 == 0 ? 0 : 1 })
    case .drawn:
      guard let least = y.min(), let greatest = y.max() else { return }
      let slack = greatest - least
      if let outside = x.first(where: { !($0 >= least - slack && $0 <= greatest + slack) }) {
        throw Difference(cause: "a random value is out of range", details: "\(outside) besides \(least)...\(greatest)")
      }
      try compareMeans(x, y)
    }
  }
}

/// Throws if the means of two samples of equal size differ by more than six standard errors.
private func compareMeans(_ x: [Double], _ y: [Double]) throws(Difference) {
  func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
  }
  let (a, b) = (moments(x), moments(y))
  let error = ((a.variance + b.variance) / Double(x.count)).squareRoot()
  guard abs(a.mean - b.mean) <= 6 * error else {
    throw Difference(cause: "the distribution differs", details: "mean \(a.mean) instead of \(b.mean)")
  }
}
