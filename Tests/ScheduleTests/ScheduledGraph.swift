import LoopIR
import Schedule
import Support
import TensorIR

extension Program {
  /// The program of a graph whose inputs and outputs have these extents or symbols.
  init(scheduling graph: Graph, for target: Target, threads: Int = 1) throws {
    func ports(_ values: [ValueID]) -> [Port] {
      values.map { value in
        let extents = graph.shape(of: value).map { Extent($0.expr, text: "\($0)") }
        return Port(name: "p\(value.index)", element: graph.type(of: value).element, extents: extents)
      }
    }
    let inputs = ports(graph.inputs)
    (self, _, _) = try schedule(
      graph, inputs: inputs, outputs: ports(graph.outputs), prefix: "m", target: target, threads: threads)
  }

  /// How many kinds of blocks there are in kernels that call others.
  var kindsOfBlocks: Int {
    kernels.reduce(0) { sum, kernel in
      var (calls, kinds) = (false, 1)
      kernel.body.walk {
        if case .call = $0 { calls = true }
        if case .conditional = $0 { kinds += 1 }
      }
      return sum + (calls ? kinds : 0)
    }
  }
}

extension ConstantTensor {
  var storage: [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}
