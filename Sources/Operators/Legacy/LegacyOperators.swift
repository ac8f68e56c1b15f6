import Support
import TensorIR

/// An image times a factor, plus a bias per channel.
struct ImageScaler: Operator {
  let name = OperatorName("ImageScaler", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank == 4 else { throw .invalid("the image has rank \(type.rank), not 4") }
    let scale = try node.float("scale", default: 1)
    let numbers = try node.floats("bias") ?? []
    try b.requireEqual(type.shape[1], Dim(numbers.count), "attribute 'bias' has another number of channels")
    let bias = b.constant(ConstantTensor(type.element, dims: [numbers.count, 1, 1], doubles: numbers))
    return [try b.elementwise([x, bias]) { $0.plus($0.affineNumber($1[0], scale, 0), $1[1]) }]
  }
}

/// An image without its border, or a part of given size behind the border's left upper corner.
struct Crop: Operator {
  let name = OperatorName("Crop", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    guard let border = try node.ints("border"), border.count == 4, shape.count == 4,
      border.allSatisfy({ $0 >= 0 && $0 < 1 << 31 })
    else {
      throw .invalid("attribute 'border' must have 4 numbers below 2^31, for an image of rank 4")
    }
    let size = try node.ints("scale")
    guard size?.count ?? 2 == 2 else { throw .invalid("attribute 'scale' does not have 2 numbers") }
    var y = x
    for (axis, first, last) in [(2, border[1], border[3]), (3, border[0], border[2])] {
      let count = size.map { Dim($0[axis - 2]) } ?? shape[axis] - (first + last)
      let what = "the border \(border) and the size do not fit an image of shape \(shape)"
      try b.requireAtMost(0, count, what)
      try b.requireAtMost(count + first, shape[axis], what)
      y = b.slice(y, axis: axis, from: Dim(first), count: count)
    }
    return [y]
  }
}

/// Operators of the first operator sets that were never standardized.
let legacyOperators: [any Operator] = [
  ActivationOperator("Scale", versions: [1], [("scale", 1)]) { $0.affineNumber($1, $2[0], 0) },
  Crop(),
  ImageScaler(),
  Twin(name: OperatorName("DynamicSlice", versions: 1), original: Slice(), version: 10),
]
