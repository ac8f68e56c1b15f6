import ONNXReader
import Support
import TensorIR

/// Transposed convolution with the padding as an argument.
struct ConvTransposeWithDynamicPads: Operator {
  let name = OperatorName("ConvTransposeWithDynamicPads", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let arguments = [try node.input(0), try node.input(1), node.optionalInput(3)]
    var definition = node.definition
    let isAutomatic = try node.string("auto_pad", default: "NOTSET") != "NOTSET"
    let pads = isAutomatic ? nil : node.optionalInput(2)
    if let pads { try checkPads(pads, of: arguments[0], &b) }
    if let pads, b.knownIntegers(pads) != nil {
      definition.attributes["pads"] = .ints(try b.requireConstantIntegers(pads, "the padding"))
    }
    let plain = OperatorNode(definition: definition, version: 11, arguments: arguments, scope: node.scope)
    let y = try ConvTranspose().build(plain, in: &b)
    guard let pads, b.knownIntegers(pads) == nil else { return y }
    return try Pad().build(node.asVersion(13, arguments: [y[0], try cropping(pads, of: y[0], &b)]), in: &b)
  }

  private func checkPads(_ pads: ValueID, of x: ValueID?, _ b: inout GraphBuilder) throws(ModelError) {
    try b.require(pads, "the padding", isOneOf: .i64)
    guard let x else { return }
    try b.requireShape(pads, [Dim(2 * spatialExtents(x, in: b).count)], "the padding")
  }

  /// The padding that only a call knows, as what to add at both ends of every axis of the result without padding.
  private func cropping(_ pads: ValueID, of y: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let given = try b.integerVector(pads, "the padding")
    let rank = b.shape(of: y).count
    let spatial = rank - 2
    var body = ScalarGraph()
    let (end, axis) = (body.binary(.floorDivide, body.axis(0), body.integer(rank)),
      body.binary(.floorRemainder, body.axis(0), body.integer(rank)))
    let place = body.plus(body.affine(end, scale: spatial, offset: 0), body.affine(axis, scale: 1, offset: -2))
    let isSpatial = body.compare(.greaterOrEqual, axis, body.integer(2))
    let value = body.read(0, [place], outside: body.integer(0), type: .i64)
    body.results = [body.select(isSpatial, body.negate(value), body.integer(0))]
    return b.map([Dim(2 * rank)], body, [given])
  }
}
