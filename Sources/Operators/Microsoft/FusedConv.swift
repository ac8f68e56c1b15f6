import Support
import TensorIR

/// A convolution with an optional addend and activation, of data with the channels second or last.
struct FusedConv: Operator {
  let name: OperatorName
  let isChannelsLast: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    for position in 1...3 { if let value = node.optionalInput(position) { try b.requireSameType([x, value]) } }
    let sum = try b.convolution(x, channelsLast: isChannelsLast) { (x, b) throws(ModelError) in
      try b.convolution(
        x, try node.input(1), bias: node.optionalInput(2), node, accumulator: b.type(of: x).element)
    }
    let activation = try FusedActivation(ofConvolution: node)
    return [
      try b.elementwise([sum] + (node.optionalInput(3).map { [$0] } ?? [])) { graph, values in
        activation.apply(&graph, values.count == 2 ? graph.plus(values[0], values[1]) : values[0])
      }
    ]
  }
}

/// Convolutions of ONNX Runtime.
let fusedConvolutions: [any Operator] = [
  FusedConv(name: OperatorName("FusedConv", domain: "com.microsoft", versions: 1), isChannelsLast: false),
  FusedConv(name: OperatorName("NhwcConv", domain: "com.microsoft", versions: 1), isChannelsLast: true),
  FusedConv(name: OperatorName("NhwcFusedConv", domain: "com.microsoft", versions: 1), isChannelsLast: true),
]

extension GraphBuilder {
  /// A function of data with the channels second, applied to data with the channels last if that is so.
  mutating func convolution(
    _ x: ValueID, channelsLast: Bool,
    _ compute: (ValueID, inout GraphBuilder) throws(ModelError) -> ValueID
  ) throws(ModelError) -> ValueID {
    let rank = shape(of: x).count
    guard channelsLast, rank > 2 else { return try compute(x, &self) }
    let y = try compute(transpose(x, [0, rank - 1] + Array(1..<rank - 1)), &self)
    return transpose(y, [0] + Array(2..<rank) + [1])
  }
}
