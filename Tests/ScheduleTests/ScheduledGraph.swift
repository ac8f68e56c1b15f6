import LoopIR
import Schedule
import Support
import TensorIR
import Testing

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

extension Graph {
  /// Small whole numbers for every input, whose extents are known.
  func smallInputs() throws -> [ConstantTensor] {
    try inputs.enumerated().map { seed, input in
      ConstantTensor.small(try #require(shape(of: input).constants), seed: seed * 13)
    }
  }
}

extension ConstantTensor {
  /// Small whole numbers, whose sums are the same in all orders.
  static func small(_ dims: [Int], _ element: ElementType = .f32, seed: Int = 0) -> ConstantTensor {
    ConstantTensor(element, dims: dims, doubles: (0..<dims.reduce(1, *)).map { Double(($0 * 7 + seed) % 11 - 5) })
  }

  var storage: [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}
