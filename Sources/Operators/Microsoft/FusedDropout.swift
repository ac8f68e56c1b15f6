import Support
import TensorIR

/// Dropout after a bias and before a residual, with the mask as bytes or bits.
struct FusedDropout: Operator {
  let name: OperatorName
  let hasBias: Bool
  let packsMask: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var x = try node.input(0)
    let first = hasBias ? 3 : 1
    if hasBias {
      try b.requireSameType([x, try node.input(1)])
      x = try b.elementwise([x, try node.input(1)]) { $0.plus($1[0], $1[1]) }
    }
    let arguments = [x, node.optionalInput(first), node.optionalInput(first + 1)]
    var results = try Dropout().build(node.asVersion(13, arguments: arguments), in: &b)
    if hasBias, let residual = node.optionalInput(2) {
      try b.requireSameType([x, residual])
      results[0] = try b.elementwise([results[0], residual]) { $0.plus($1[0], $1[1]) }
    }
    if packsMask, results.count > 1 { results[1] = packed(results[1], &b) }
    return results
  }

  /// The bits of a mask in words, the first one low; bits behind the last one are set.
  private func packed(_ mask: ValueID, _ b: inout GraphBuilder) -> ValueID {
    let count = b.shape(of: mask).product
    var body = ScalarGraph()
    let bit = body.axis(1)
    let place = body.plus(body.times(body.axis(0), body.integer(32)), bit)
    let isKept = body.cast(body.read(0, [place], outside: body.integer(1, .bool), type: .bool), to: .u32)
    body.results = [body.binary(.shiftLeft, isKept, body.cast(bit, to: .u32))]
    let words = (count + 31).floorDivided(by: 32)
    return b.reduce(.sum, shape: [words], reduced: [32], operands: [b.reshape(mask, [count])], body: body)[0]
  }
}

/// Dropout in the forms of ONNX Runtime.
let fusedDropouts: [any Operator] = [
  FusedDropout(
    name: OperatorName("BiasDropout", domain: "com.microsoft", versions: 1), hasBias: true, packsMask: false),
  FusedDropout(
    name: OperatorName("BitmaskBiasDropout", domain: "com.microsoft", versions: 1), hasBias: true, packsMask: true),
  FusedDropout(
    name: OperatorName("BitmaskDropout", domain: "com.microsoft", versions: 1), hasBias: false, packsMask: true),
]
