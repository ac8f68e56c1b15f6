import Support
import TensorIR

/// Columns of blocks summed back into images.
struct Col2Im: Operator {
  let name = OperatorName("Col2Im", versions: 18)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let image = try b.extents(try node.input(1), "the image shape", as: "image")
    let block = try b.extents(try node.input(2), "the block shape", as: "block")
    let rank = image.count
    let dilations = try node.ints("dilations") ?? [Int](repeating: 1, count: rank)
    let strides = try node.ints("strides") ?? [Int](repeating: 1, count: rank)
    let pads = try node.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
    guard type.rank == 3, block.count == rank, dilations.count == rank, strides.count == rank, pads.count == 2 * rank,
      (strides + dilations).allSatisfy({ $0 > 0 }), block.product != 0
    else { throw .invalid("data of shape \(type.shape) does not hold blocks of shape \(block)") }
    try requireBelow(powerOfTwo: 31, strides + dilations + pads, "strides, dilations and pads")
    try b.requireEqual(
      type.shape[1].remainder(by: block.product), 0,
      "data of shape \(type.shape) does not hold blocks of shape \(block)")
    let channels = type.shape[1].floorDivided(by: block.product)
    var body = ScalarGraph()
    var row = body.axis(1)
    var column = body.integer(0)
    var columns: Dim = 1
    var conditions: [ScalarID] = []
    for axis in 0..<rank {
      let tap = body.axis(2 + rank + axis)
      row = body.plus(body.times(row, body.dim(block[axis])), tap)
      let shifted = body.affine(body.axis(2 + axis), scale: 1, offset: Dim(pads[axis]))
      let start = body.minus(shifted, body.affine(tap, scale: dilations[axis], offset: 0))
      let room = image[axis] + (pads[axis] + pads[rank + axis]) - (block[axis] - 1) * dilations[axis] - 1
      let count = room.floorDivided(by: Dim(strides[axis])) + 1
      let stride = body.integer(strides[axis])
      let position = body.binary(.floorDivide, start, stride)
      conditions.append(body.compare(.greaterOrEqual, start, body.integer(0)))
      conditions.append(body.compare(.less, position, body.dim(count)))
      if strides[axis] > 1 {
        conditions.append(body.compare(.equal, body.binary(.floorRemainder, start, stride), body.integer(0)))
      }
      column = body.plus(body.times(column, body.dim(count)), position)
      columns = columns * count
    }
    try b.requireEqual(type.shape[2], columns, "the blocks are as many as the data has columns")
    let zero = body.number(0, type.element)
    let value = body.read(0, [body.axis(0), row, column], outside: zero, type: type.element)
    body.results = [body.select(body.all(conditions), value, zero)]
    return b.reduce(.sum, shape: [type.shape[0], channels] + image, reduced: block, operands: [x], body: body)
  }
}
