import ONNXReader
import Support
import TensorIR

/// A choice between branches whose results do not go together, such as tensors of different ranks: what follows it in
/// its graph belongs to both sides, and the graph's outputs are its results.
///
/// A side on which what follows is invalid is one that no call may take.
struct ContinuedChoice {
  private let graph: GraphDef
  private let position: Int
  private let scope: Scope

  /// Each choice may repeat what follows it twice.
  private static let limit = 6

  init(_ graph: GraphDef, _ position: Int, _ scope: Scope) {
    self.graph = graph
    self.position = position
    self.scope = scope
  }

  /// The values of the graph's outputs; nil if the node at the position is no such choice or no side can be imported.
  func values(in b: inout GraphBuilder) -> [ImportedValue]? {
    let node = graph.nodes[position]
    guard ["", "ai.onnx"].contains(node.domain), node.opType == "If", scope.continuedChoices < ContinuedChoice.limit,
      scope.custom.rule("", "If") == nil, scope.functions[Importer.functionKey("", "If")] == nil,
      let name = node.inputs.first, case .value(.tensor(let condition)) = scope.lookup(name),
      let dims = b.shape(of: condition).constants
    else { return nil }
    guard If().hasTwoSides(operatorNode(node, condition), in: b) else { return nil }
    var continued = node
    continued.outputs = graph.outputs.map(\.name)
    for (branch, value) in [("then_branch", UInt8(1)), ("else_branch", 0)] {
      // On its side the condition is known.
      let known = TensorData(name: name, element: .bool, dims: dims, bytes: Bytes([value]))
      var side = graph
      side.nodes = Array(graph.nodes[position...])
      (side.inputs, side.initializers, side.sparseInitializers) = ([], [known], [])
      continued.attributes[branch] = .graph(side)
    }
    return try? If().buildValues(operatorNode(continued, condition), in: &b)
  }

  private func operatorNode(_ node: NodeDef, _ condition: ValueID) -> OperatorNode {
    var inside = scope
    inside.continuedChoices += 1
    return OperatorNode(definition: node, version: 1, values: [.tensor(condition)], scope: inside)
  }
}
