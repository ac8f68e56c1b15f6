import Support

/// A tensor computed element by element from constants, which are narrower than it is.
public struct ConstantFormula: Hashable, Sendable {
  public var map: Map
  public var operands: [ConstantTensor]

  public init(map: Map, operands: [ConstantTensor]) {
    self.map = map
    self.operands = operands
  }

  /// The bits of the operands, elements of fewer than 8 bits side by side.
  public var bits: Int { operands.reduce(0) { $0 + $1.count * $1.type.element.bits } }

  /// All elements; nil if they cannot be computed at compile time, or are more than a limit.
  public func values(limit: Int = .max) -> ConstantTensor? {
    Evaluator.evaluate(.map(map), operands, workLimit: limit)?[0]
  }
}

extension Graph {
  /// How a value is computed from constants, if a map over nothing else gives it.
  public func formula(_ value: ValueID, _ producers: [Int?]) -> ConstantFormula? {
    guard let position = producers[value.index], case .map(let map) = nodes[position].primitive else { return nil }
    let constants = nodes[position].operands.compactMap { constant($0, producers) }
    guard !constants.isEmpty, constants.count == nodes[position].operands.count else { return nil }
    return ConstantFormula(map: map, operands: constants)
  }

  /// How values are computed from constants that only contractions read, as factors of which `isRead` is true.
  public func factorFormulas(_ isRead: (_ position: Int, _ node: Node) -> Bool) -> [ValueID: ConstantFormula] {
    let producers = producers()
    var factors: Set<ValueID> = []
    var others = Set(outputs)
    for node in nodes {
      for (position, value) in node.operands.enumerated() {
        if position < 2, case .contract = node.primitive, isRead(position, node) {
          factors.insert(value)
        } else {
          others.insert(value)
        }
      }
    }
    let formulas = factors.subtracting(others).compactMap { value in formula(value, producers).map { (value, $0) } }
    return Dictionary(uniqueKeysWithValues: formulas)
  }

  /// Whether a value is a constant, or one that is kept as a formula.
  public func isConstant(_ value: ValueID, _ producers: [Int?]) -> Bool {
    constant(value, producers) != nil || formula(value, producers) != nil
  }
}
