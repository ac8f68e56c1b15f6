import Support
import TensorIR

/// Regions of images resized to one size, with corners aligned.
struct CropAndResize: Operator {
  let name = OperatorName("CropAndResize", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, regions, images) = (try node.input(0), try node.input(1), try node.input(2))
    try b.requireFloat(x)
    try b.requireSameType([x, regions])
    try b.require(images, "the batch indices", isOneOf: .i32, .i64)
    let type = b.type(of: x)
    let message = "data of shape \(type.shape) or regions of shape \(b.shape(of: regions)) do not fit"
    guard type.rank == 4, b.shape(of: regions).count == 2, b.shape(of: images).count == 1 else {
      throw .invalid(message)
    }
    try b.requireEqual(b.shape(of: regions)[1], 4, message)
    try b.requireEqual(b.shape(of: regions)[0], b.shape(of: images)[0], "the numbers of regions and batch indices")
    try b.requireShape(try node.input(3), [2], "the size")
    let size = try b.extents(try node.input(3), "the size", as: "size")
    for extent in size { try b.requireAtMost(1, extent, "the size is \(size), not positive") }
    let mode = try node.string("mode", default: "bilinear")
    guard mode == "bilinear" || mode == "nearest" else { throw .invalid("attribute 'mode' is '\(mode)'") }
    let isNearest = mode == "nearest"
    try b.checkIndices(images, extents: [type.shape[0]], allowsNegative: false)
    var body = ScalarGraph()
    let region = body.axis(0)
    let image = body.wrappedIndex(
      body.read(2, [region], type: b.type(of: images).element), extent: type.shape[0])
    var places: [(position: ScalarID, isInside: ScalarID)] = []
    for axis in 0..<2 {
      let extent = body.cast(body.dim(type.shape[2 + axis] - 1), to: type.element)
      let (first, last) = (
        body.read(1, [region, body.integer(axis)], type: type.element),
        body.read(1, [region, body.integer(axis + 2)], type: type.element)
      )
      let step = body.over(
        body.times(body.minus(last, first), extent),
        body.cast(body.dim(.maximum(size[axis] - 1, 1)), to: type.element))
      let walked = body.plus(
        body.times(first, extent), body.times(body.cast(body.axis(2 + axis), to: type.element), step))
      let middle = body.times(body.affineNumber(body.plus(first, last), 0.5, 0), extent)
      let isWide = body.compare(.greater, body.dim(size[axis]), body.integer(1))
      let position = body.select(isWide, walked, middle)
      let zero = body.number(0, type.element)
      places.append(
        (
          position,
          body.all([body.compare(.greaterOrEqual, position, zero), body.compare(.lessOrEqual, position, extent)])
        ))
    }
    func pixel(_ row: ScalarID, _ column: ScalarID) -> ScalarID {
      let indices = [row, column].enumerated().map { axis, index in
        body.clamped(body.cast(index, to: .i64), extent: type.shape[2 + axis])
      }
      return body.read(0, [image, body.axis(1)] + indices, type: type.element)
    }
    let value: ScalarID
    if isNearest {
      let rounded = places.map { body.unary(.floor, body.affineNumber($0.position, 1, 0.5)) }
      value = pixel(rounded[0], rounded[1])
    } else {
      let low = places.map { body.unary(.floor, $0.position) }
      let high = places.map { body.unary(.ceil, $0.position) }
      let share = places.indices.map { body.minus(places[$0].position, low[$0]) }
      func mixed(_ a: ScalarID, _ c: ScalarID, _ share: ScalarID) -> ScalarID {
        body.plus(a, body.times(body.minus(c, a), share))
      }
      let top = mixed(pixel(low[0], low[1]), pixel(low[0], high[1]), share[1])
      value = mixed(top, mixed(pixel(high[0], low[1]), pixel(high[0], high[1]), share[1]), share[0])
    }
    let outside = body.number(try node.float("extrapolation_value", default: 0), type.element)
    body.results = [body.select(body.all(places.map(\.isInside)), value, outside)]
    return [b.map([b.shape(of: regions)[0], type.shape[1]] + size, body, [x, regions, images])]
  }
}
