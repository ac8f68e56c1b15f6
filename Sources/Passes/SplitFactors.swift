import Support
import TensorIR

/// How factors of contractions become `bf16` numbers for units that multiply those.
public struct FactorSplit: Hashable, Sendable {
  /// The `bf16` parts whose sum stands for an `f32` number: 3 are exact, 1 is the nearest `bf16` number.
  public var parts: Int
  /// The most terms that one instruction sums; a multiple of 2.
  public var depth: Int
  /// What decides whether splitting pays; nil where it always does.
  public var costs: SplitCosts?

  public init(parts: Int, depth: Int, costs: SplitCosts? = nil) {
    self.parts = parts
    self.depth = depth
    self.costs = costs
  }
}

/// What contractions of split factors cost on a processor: times over that of a product of `f32` numbers by vectors.
public struct SplitCosts: Hashable, Sendable {
  /// One product of parts.
  public var product: Double
  /// Splitting one element of the data into one part.
  public var part: Double
  /// Reading one part of a weight.
  public var weight: Double
  /// Finishing one result, beyond what vectors need for it.
  public var result: Double
  /// Reading a weight for vectors.
  public var wholeWeight: Double
  /// One product of numbers by vectors where Winograd's algorithm needs fewer of them.
  public var windowProduct: Double
  /// Rows from which on the unit is fully used.
  public var rows: Int

  public init(
    product: Double, part: Double, weight: Double, result: Double, wholeWeight: Double, windowProduct: Double, rows: Int
  ) {
    self.product = product
    self.part = part
    self.weight = weight
    self.result = result
    self.wholeWeight = wholeWeight
    self.windowProduct = windowProduct
    self.rows = rows
  }
}

/// Splits both factors of contractions with constant weights into `bf16` parts, of which all products are summed whose
/// parts' numbers add up to less than the number of parts.
///
/// The axis that is summed in pairs is the last one of both factors and has an even extent, with zeros at its end.
///
/// G. Henry, P. Tang and A. Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
/// Computations", 2019.
func splitFactors(_ graph: Graph, _ split: FactorSplit) -> Graph {
  var result = graph
  let producers = graph.producers()
  var arranged = ArrangedData()
  result.nodes = []
  for node in graph.nodes {
    let contraction = SplitContraction(node, graph, producers, data: 0, split)
      ?? SplitContraction(node, graph, producers, data: 1, split)
    if let contraction {
      contraction.rewrite(in: &result, &arranged)
    } else if split.parts == 1, let contraction = PairedContraction(node, graph, producers, depth: split.depth) {
      contraction.rewrite(in: &result, &arranged)
    } else {
      result.nodes.append(node)
    }
  }
  return result
}

/// Constant weights, or a formula of which they are the values.
private enum Weights {
  case constant(ConstantTensor)
  case formula(ConstantFormula, dims: [Int])

  init?(_ value: ValueID, _ graph: Graph, _ producers: [Int?]) {
    guard graph.type(of: value).element == .f32 else { return nil }
    if let constant = graph.constant(value, producers) {
      self = .constant(constant)
    } else if let formula = graph.formula(value, producers), let dims = formula.map.shape.constants {
      self = .formula(formula, dims: dims)
    } else {
      return nil
    }
  }

  var isFormula: Bool { if case .formula = self { true } else { false } }

  var dims: [Int] {
    switch self {
    case .constant(let constant): constant.dims
    case .formula(_, let dims): dims
    }
  }

  var values: ConstantTensor? {
    switch self {
    case .constant(let constant): constant
    case .formula(let formula, _): formula.values()
    }
  }
}

/// A contraction whose factors are split.
private struct SplitContraction {
  private let node: Node
  private let contraction: WeightContraction
  private let parts: Int
  private let data: ValueID
  private let weights: Weights

  /// Features, summed terms and uses of each element of data from which on splitting pays.
  private static let leastFeatures = 16
  private static let leastTerms = 16
  private static let leastUses = 64
  /// Rows from which on reading weights of several parts pays.
  private static let leastRows = 8

  /// Nil if the contraction is of another kind, or too small to pay.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], data position: Int, _ split: FactorSplit) {
    guard case .contract(let contract) = node.primitive, contract.accumulator == .f32,
      let weights = Weights(node.operands[1 - position], graph, producers),
      graph.type(of: node.operands[position]).element == .f32,
      let contraction = WeightContraction(
        contract, data: position, graph.shape(of: node.operands[position]), weights: weights.dims, group: 2,
        depth: split.depth)
    else { return nil }
    self.node = node
    self.contraction = contraction
    self.weights = weights
    parts = split.parts
    data = node.operands[position]
    guard contraction.features >= Self.leastFeatures, contraction.terms >= Self.leastTerms,
      contraction.uses >= Self.leastUses,
      parts == 1 && !weights.isFormula || contraction.rows >= Self.leastRows,
      contraction.contiguousTerms * 4 >= min(split.depth, Self.leastTerms) * 3,
      split.costs.map({ pays($0, split.depth, isWindow: gainsFromWinograd(node, graph, producers)) }) ?? true
    else { return nil }
  }

  private var isSplit: Bool { parts > 1 }

  /// Whether split factors take less time than whole ones.
  private func pays(_ costs: SplitCosts, _ depth: Int, isWindow: Bool) -> Bool {
    func whole(_ count: Int, _ unit: Int) -> Double { Double((count + unit - 1) / unit * unit) / Double(count) }
    let products = Double(contraction.products)
    let waste = whole(contraction.contiguousTerms, depth) * whole(contraction.features, Self.leastFeatures)
      * max(1, Double(costs.rows) / Double(contraction.rowsSideBySide))
    let parts = Double(parts)
    let (data, weights) = (Double(contraction.dataCount) * parts, Double(contraction.weightCount) * parts)
    let split = products * waste * costs.product * parts * (parts + 1) / 2 + data * costs.part + weights * costs.weight
      + Double(contraction.resultCount) * costs.result
    return split < products * (isWindow ? costs.windowProduct : 1) + Double(contraction.weightCount) * costs.wholeWeight
  }

  func rewrite(in graph: inout Graph, _ arranged: inout ArrangedData) {
    guard let weights = arrangedWeights() else { return graph.nodes.append(node) }
    // Axes behind the others: the sum of the parts' numbers, then the number of the data's part.
    let (sum, part) = (contraction.arrangedAxes, contraction.arrangedAxes + 1)
    let (map, indices) = contraction.dataMap(parts: isSplit ? (parts, part) : nil) { body, positions, isPadded, number in
      let value = body.read(0, positions, outside: isPadded ? body.number(0, .f32) : nil, type: .f32)
      guard isSplit else { return body.cast(value, to: .bf16) }
      let split = body.brainParts(of: value, count: parts, rounded: true)
      return body.brainPart(number, of: split)
    }
    let factor = arranged.value(map, [data], in: &graph, origin: node.origin)
    var changed = contraction.arranged(indices)
    if isSplit {
      changed.reduced += [Dim(parts), Dim(parts)]
      changed.rhs.insert(AffineIndex([sum: 1, part: -1]), at: 0)
    }
    let weightFactor = self.factor(weights, in: &graph)
    graph.nodes.append(
      Node(
        .contract(changed), operands: [factor, weightFactor] + node.operands.dropFirst(2), results: node.results,
        origin: node.origin))
  }

  /// The weights in rows of padded channels; nil if some are not finite, which have no parts.
  private func arrangedWeights() -> ConstantTensor? {
    guard let weights = weights.values else { return nil }
    let (rows, step, width) = (contraction.weightRows, contraction.channelStride, contraction.paddedChannels)
    var areFinite = true
    let bytes = Bytes(count: rows.count * width * 4) { output in
      weights.bytes.withUnsafeBytesOnce { input in
        for (row, offset) in rows.enumerated() {
          for position in 0..<contraction.channels {
            let number = input.loadUnaligned(fromByteOffset: (offset + position * step) * 4, as: Float.self)
            areFinite = areFinite && number.isFinite
            output.storeBytes(of: number, toByteOffset: (row * width + position) * 4, as: Float.self)
          }
        }
      }
    }
    guard areFinite || !isSplit else { return nil }
    return ConstantTensor(.f32, dims: contraction.arrangedDims, bytes: bytes)
  }

  /// Adds the weights as `bf16` numbers: all parts, the other dimensions, the channel.
  private func factor(_ weights: ConstantTensor, in graph: inout Graph) -> ValueID {
    guard isSplit else { return graph.add(.constant(weights.rounded), [], origin: node.origin) }
    let constant = graph.add(.constant(weights), [], origin: node.origin)
    return graph.add(.map(SplitConstant(weights, parts: parts).map), [constant], origin: node.origin)
  }
}

extension ConstantTensor {
  /// The nearest `bf16` numbers of `f32` numbers.
  fileprivate var rounded: ConstantTensor {
    let rounded = Bytes(count: count * 2) { output in
      bytes.withUnsafeBytesOnce { input in
        for position in 0..<count {
          let number = input.loadUnaligned(fromByteOffset: position * 4, as: Float.self)
          output.storeBytes(of: number.brainBits, toByteOffset: position * 2, as: UInt16.self)
        }
      }
    }
    return ConstantTensor(.bf16, dims: dims, bytes: rounded)
  }
}
