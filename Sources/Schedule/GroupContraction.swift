import LoopIR
import Support
import TensorIR

/// A contraction of factors that are read in groups, seen as one of `u32` elements, without the axes of parts.
struct GroupContraction {
  /// Over groups: the axis that is summed in groups has as many positions as there are groups.
  private(set) var contract: Contract
  /// The factors as groups, without the dimension of the parts.
  private(set) var operands: [View]
  /// The weights as groups, or as `f32` numbers whose parts are; nil where both factors are computed.
  let weights: ConstantTensor?
  /// Numbers in a group.
  let size: Int
  let parts: Int
  /// Groups between the parts of the data.
  private(set) var partStride = 0

  /// Nil for contractions that neither the pass `split-factors` nor `integer-products` has made.
  init?(_ contract: Contract, operands: [View], constants: [ConstantTensor?], formulas: [ConstantFormula?]) {
    let split = formulas[1].flatMap { SplitConstant($0) }
    guard let size = contract.groupSize(operands.prefix(2).map(\.element)),
      case let weights = split?.constant ?? constants[1],
      let axis = contract.lhs.last?.coefficients.keys.first, case let reduced = axis - contract.shape.count,
      let extent = contract.reduced[reduced].constant, weights == nil || weights?.dims.last == extent,
      split?.parts ?? 1 == contract.numberOfParts
    else { return nil }
    self.size = size
    self.contract = contract
    self.operands = operands
    parts = contract.numberOfParts
    self.weights = weights.map { weights in
      let groups = Array(weights.dims.dropLast()) + [extent / size]
      return split == nil ? ConstantTensor(.u32, dims: groups, bytes: weights.bytes) : weights
    }
    self.contract.reduced[reduced] = Dim(extent / size)
    for position in 0..<2 {
      guard let groups = operands[position].groups(of: size) else { return nil }
      self.operands[position] = groups
    }
    guard parts > 1 else { return }
    let part = contract.shape.count + contract.reduced.count - 1
    guard let dimension = contract.lhs.firstIndex(of: .axis(part)),
      let stride = self.operands[0].strides[dimension].constant
    else { return nil }
    partStride = stride
    self.contract.reduced.removeLast(2)
    self.contract.lhs.remove(at: dimension)
    self.operands[0].removeAxis(dimension)
    self.contract.rhs.removeFirst()
    self.operands[1].removeAxis(0)
  }
}

extension Contract {
  /// How many parts factors are split into: the last two axes are the sum of the parts' numbers and the data's part.
  var numberOfParts: Int {
    let count = shape.count + reduced.count
    guard let first = rhs.first, first.coefficients == [count - 2: 1, count - 1: -1] else { return 1 }
    return reduced.last?.constant ?? 1
  }

  /// The extents of the summed axes without those of parts.
  var summedExtents: [Dim] { numberOfParts > 1 ? Array(reduced.dropLast(2)) : reduced }
}

extension View {
  /// The same memory as groups along the last axis; nil if it is not innermost.
  fileprivate func groups(of size: Int) -> View? {
    guard strides.last == 1, strides.dropLast().allSatisfy({ $0.remainder(by: Dim(size)) == 0 }) else { return nil }
    var groups = self
    groups.element = .u32
    groups.buffer.element = .u32
    groups.shape[shape.count - 1] = shape[shape.count - 1].floorDivided(by: Dim(size))
    groups.strides = strides.dropLast().map { $0.floorDivided(by: Dim(size)) } + [1]
    return groups
  }

  fileprivate mutating func removeAxis(_ axis: Int) {
    shape.remove(at: axis)
    strides.remove(at: axis)
  }
}
