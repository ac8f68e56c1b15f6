import Support
import TensorIR

/// A window function as a sum of cosines.
struct WindowFunction: Operator {
  let name: OperatorName
  /// Factors of cosines of 0, 1, 2… turns over the window.
  let factors: [Double]

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let size = try b.scalarExtent(try node.input(0), "the size", as: "size")
    let element = try node.elementType("output_datatype") ?? .f32
    let isPeriodic = try node.flag("periodic", default: true)
    var body = ScalarGraph()
    let position = body.cast(body.axis(0), to: .f64)
    let period = body.cast(body.dim(isPeriodic ? size : size - 1), to: .f64)
    var sum = body.number(factors[0], .f64)
    for (turns, factor) in factors.enumerated().dropFirst() {
      let angle = body.over(body.affineNumber(position, 2 * Double.pi * Double(turns), 0), period)
      sum = body.plus(sum, body.affineNumber(body.unary(.cos, angle), factor, 0))
    }
    body.results = [body.cast(sum, to: element)]
    return [b.map([size], body, [])]
  }
}

/// The window functions.
let windowFunctions: [any Operator] = [
  WindowFunction(name: OperatorName("BlackmanWindow", versions: 17), factors: [0.42, -0.5, 0.08]),
  WindowFunction(name: OperatorName("HammingWindow", versions: 17), factors: [25.0 / 46, -21.0 / 46]),
  WindowFunction(name: OperatorName("HannWindow", versions: 17), factors: [0.5, -0.5]),
]
