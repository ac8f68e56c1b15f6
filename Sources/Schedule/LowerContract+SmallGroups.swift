import LoopIR
import TensorIR

/// Groups of fewer columns than a vector has lanes, each of which multiplies inputs of its own, as in grouped convolutions.
///
/// Columns of neighbouring groups share a vector. For each input of a group its numbers in all groups of a vector are
/// one vector too, of lanes that are repeated for the columns of their group.
struct SmallGroups {
  /// Columns and inputs of a group.
  let columns: Int
  let inputs: Int
  /// The axis along groups, and the summed one along the inputs of a group unless that is one.
  private let axis: Int
  let sum: Int?

  /// Nil if the contraction has no such groups, or something walks groups and their columns other than as one axis.
  init?(
    _ data: ContractLowering.Factor, _ weights: ContractLowering.Factor, extents: [Dim], rank: Int, vectorAxis: Int,
    epilogueReads: [[Dim]]?, outStrides: [Dim], lanes: Int
  ) {
    guard let columns = extents[vectorAxis].constant, columns < lanes, lanes % columns == 0, let epilogueReads,
      weights.constant != nil, data.strides[vectorAxis] == 0
    else { return nil }
    let walked = [outStrides, weights.strides] + epilogueReads
    let axis = (0..<rank).first { axis in
      axis != vectorAxis && (extents[axis].constant ?? 1) > 1
        && walked.allSatisfy { $0[axis] == $0[vectorAxis] * columns }
    }
    guard let axis, let inputs = data.strides[axis].constant, inputs > 0, inputs <= columns else { return nil }
    let sum = (rank..<extents.count).first { data.strides[$0] == 1 && extents[$0] == Dim(inputs) && inputs > 1 }
    guard inputs == 1 || sum != nil else { return nil }
    (self.columns, self.inputs, self.axis, self.sum) = (columns, inputs, axis, sum)
  }

  /// Makes groups and their columns one axis.
  func join(
    _ vectorAxis: Int, _ extents: inout [Dim], _ data: inout ContractLowering.Factor,
    _ weights: inout ContractLowering.Factor
  ) {
    extents[vectorAxis] = extents[vectorAxis] * extents[axis]
    extents[axis] = 1
    data.strides[axis] = 0
    weights.strides[axis] = 0
  }

  /// How many numbers lie from the input of the first group to that of the last one of some columns.
  func inputCount(of columns: Expr) -> Expr {
    .binary(.divide, columns + .index(-1), .index(self.columns)) * .index(inputs) + .index(1)
  }

  /// The first input of the group in which a column begins a vector.
  func input(of column: Expr) -> Expr {
    columns == inputs ? column : .binary(.floorDivide, column, .index(columns)) * .index(inputs)
  }
}

extension ContractLowering {
  /// Positions of a window whose products are written out, at most.
  private static let mostPositions = 5

  /// The innermost summed axis, if its loop is written out: neighbouring rows of windows then share numbers.
  var writtenOut: (axis: Int, count: Int)? {
    guard small != nil, let axis = sumLoops.order.last, let count = sumLoops.extents[axis].constant,
      count <= Self.mostPositions
    else { return nil }
    return (axis, count)
  }

  /// The products of one input of each group, at the positions along an axis that is written out.
  func groupProducts(
    _ small: SmallGroups, _ panel: Panel, _ rows: Int, _ tiled: Int?, row rowIndex: Variable, panel index: Variable,
    _ accumulators: [Variable], _ scope: inout KernelScope
  ) -> [Statement] {
    let step = writtenOut.map { rowSide.strides[$0.axis] } ?? 0
    var statements: [Statement] = []
    func bound(_ value: Expr) -> Expr {
      let variable = scope.builder.variable(value.type)
      statements.append(.bind(variable, value))
      return .variable(variable)
    }
    struct Place: Hashable { var offset: Dim; var vector: Int }
    var places: [Place] = []
    var products: [Place: [(accumulator: Variable, weights: Expr)]] = [:]
    for position in 0..<(writtenOut?.count ?? 1) {
      let start = Expr.variable(index) + .index(position * small.inputs * panel.vectors * lanes)
      for vector in 0..<panel.vectors {
        let weights = bound(panelVector(panel, vector, start))
        for row in 0..<rows {
          let rowOffset = (tiled.map { rowSide.strides[$0] } ?? 0) * row + step * position
          let place = Place(offset: rowOffset + vector * (lanes / small.columns * small.inputs), vector: vector)
          if products[place] == nil { places.append(place) }
          products[place, default: []].append((accumulators[row * panel.vectors + vector], weights))
        }
      }
    }
    for place in places {
      let count = place.vector == panel.vectors - 1 ? panel.tail : nil
      let inputs = Expr.load(
        rowSide.view.buffer, index: .variable(rowIndex) + place.offset.expr, lanes: lanes,
        count: small.inputCount(of: count ?? .index(lanes)))
      let data = bound(.shuffle(converted(inputs), (0..<lanes).map { $0 / small.columns * small.inputs }))
      for (accumulator, weights) in products[place] ?? [] {
        statements.append(.assign(accumulator, multiplyAdd(data, weights, .variable(accumulator))))
      }
    }
    return statements
  }
}
