import LoopIR
import Schedule
import Support
import TensorIR

extension Program {
  /// The program of a graph whose inputs and outputs have these extents or symbols.
  init(scheduling graph: Graph, for target: Target) throws {
    func ports(_ values: [ValueID]) -> [Port] {
      values.map { value in
        let extents = graph.shape(of: value).map { Extent($0.expr, text: "\($0)") }
        return Port(name: "p\(value.index)", element: graph.type(of: value).element, extents: extents)
      }
    }
    let inputs = ports(graph.inputs)
    (self, _, _) = try schedule(graph, inputs: inputs, outputs: ports(graph.outputs), prefix: "m", target: target)
  }
}

extension ConstantTensor {
  var storage: [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}
