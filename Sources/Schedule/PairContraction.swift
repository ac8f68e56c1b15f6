import LoopIR
import Support
import TensorIR

/// A contraction of split factors seen as one of pairs of `bf16` numbers in `u32` elements, without the axes of parts.
struct PairContraction {
  /// Over pairs: the axis that is summed in pairs has half its extent.
  private(set) var contract: Contract
  /// The factors as pairs, without the dimension of the parts.
  private(set) var operands: [View]
  /// The weights as pairs, with the parts outermost.
  let weights: ConstantTensor
  let parts: Int
  /// Pairs between the parts of the data.
  private(set) var partStride = 0

  /// Nil for contractions that the pass `split-factors` has not made.
  init?(_ contract: Contract, operands: [View], constants: [ConstantTensor?]) {
    guard contract.accumulator == .f32, operands[0].element == .bf16, operands[1].element == .bf16,
      let weights = constants[1], let last = contract.lhs.last, last.coefficients.count == 1, last.offset == 0,
      let axis = last.coefficients.keys.first, case let reduced = axis - contract.shape.count, reduced >= 0,
      let extent = contract.reduced[reduced].constant, extent % 2 == 0, weights.dims.last == extent
    else { return nil }
    self.contract = contract
    self.operands = operands
    parts = contract.numberOfParts
    let dims = weights.dims.dropLast() + [extent / 2]
    self.weights = ConstantTensor(.u32, dims: Array(dims), bytes: weights.bytes)
    self.contract.reduced[reduced] = Dim(extent / 2)
    for position in 0..<2 {
      guard let pairs = operands[position].pairs else { return nil }
      self.operands[position] = pairs
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
  fileprivate var numberOfParts: Int {
    let count = shape.count + reduced.count
    guard let first = rhs.first, first.coefficients == [count - 2: 1, count - 1: -1] else { return 1 }
    return reduced.last?.constant ?? 1
  }

  /// The extents of the summed axes without those of parts.
  var summedExtents: [Dim] { numberOfParts > 1 ? Array(reduced.dropLast(2)) : reduced }
}

extension View {
  /// The same memory as pairs along the last axis; nil if it is not innermost.
  fileprivate var pairs: View? {
    guard strides.last == 1, strides.dropLast().allSatisfy({ $0.remainder(by: 2) == 0 }) else { return nil }
    var pairs = self
    pairs.element = .u32
    pairs.buffer.element = .u32
    pairs.shape[shape.count - 1] = shape[shape.count - 1].floorDivided(by: 2)
    pairs.strides = strides.dropLast().map { $0.floorDivided(by: 2) } + [1]
    return pairs
  }

  fileprivate mutating func removeAxis(_ axis: Int) {
    shape.remove(at: axis)
    strides.remove(at: axis)
  }
}
