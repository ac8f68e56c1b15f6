import Support
import TensorIR

/// Numbers from the leaves that a row reaches in every tree.
struct TreeEnsembleRegressor: Operator {
  let name = OperatorName("TreeEnsembleRegressor", domain: "ai.onnx.ml", versions: 1, 3, 5)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let targets = try node.int("n_targets", default: 1)
    let forest = try node.forest(weights: "target", targets: targets)
    let element = b.type(of: x).element.precise
    var scores = try b.evaluate(forest, x, try node.aggregate(), element)
    if let base = try node.numbers("base_values"), !base.isEmpty {
      guard base.count == targets else { throw .invalid("attribute 'base_values' has \(base.count) elements, not \(targets)") }
      scores = try b.addColumns(scores, base)
    }
    return [try b.cast(try b.transformedTargets(scores, try node.postTransform()), to: .f32)]
  }
}
