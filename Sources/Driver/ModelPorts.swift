import LoopIR
import ONNXReader
import Operators
import Schedule
import Support
import TensorIR

/// The ports of a program, from the model's declarations and the types that import derived.
struct ModelPorts {
  var inputs: [Port]
  var outputs: [Port]

  init(_ model: ImportedModel, _ graph: Graph) {
    inputs = zip(model.inputs, graph.inputs).map { ModelPorts.port($0, graph.type(of: $1)) }
    outputs = zip(model.outputs, graph.outputs).map { ModelPorts.port($0, graph.type(of: $1)) }
  }

  private static func port(_ info: ValueInfo, _ type: TensorType) -> Port {
    let extents = type.shape.map { dim in
      Extent(dim.expr, text: "\(dim)")
    }
    return Port(name: info.name, element: type.element, extents: extents, documentation: info.doc)
  }
}
