import Support
import TensorIR

/// Sums of 8-bit integers over axes, as 32-bit integers.
struct ReduceSumInteger: Operator {
  let name = OperatorName("ReduceSumInteger", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.require(x, "the argument", isOneOf: .i8, .u8)
    let rank = b.shape(of: x).count
    var axes: Set<Int> = []
    for axis in try node.ints("axes") ?? Array(0..<rank) { axes.insert(try normalizedAxis(axis, rank: rank)) }
    let target: ElementType = b.type(of: x).element == .i8 ? .i32 : .u32
    return [
      b.reduceAxes(
        x, axes.sorted(), keepsAxes: try node.flag("keepdims", default: true), .sum,
        prepare: { $0.cast($1, to: target) })
    ]
  }
}

/// Whether all elements of all arguments are finite, or none is infinite, or none is not a number.
struct IsAllFinite: Operator {
  let name = OperatorName("IsAllFinite", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let allowsNaN = try node.flag("isinf_only")
    let allowsInfinity = try node.flag("isnan_only")
    guard !allowsNaN || !allowsInfinity else {
      throw .invalid("attributes 'isinf_only' and 'isnan_only' exclude each other")
    }
    var least: [ValueID] = []
    for x in try node.inputs() {
      try b.requireFloat(x)
      least.append(
        b.reduceAxes(
          x, Array(b.shape(of: x).indices), keepsAxes: false, .min,
          prepare: { graph, value in
            let magnitude = graph.unary(.abs, value)
            let infinity = graph.number(.infinity, graph.type(of: value))
            let isFinite = graph.compare(.less, magnitude, infinity)
            let isNaN = graph.compare(.notEqual, value, value)
            let isFine =
              allowsNaN
              ? graph.binary(.or, isFinite, isNaN) : allowsInfinity ? graph.unary(.not, isNaN) : isFinite
            return graph.cast(isFine, to: .i32)
          }))
    }
    return [
      try b.elementwise(least) { graph, values in
        let all = values.dropFirst().reduce(values[0]) { graph.binary(.min, $0, $1) }
        return graph.compare(.greater, all, graph.integer(0, .i32))
      }
    ]
  }
}
