import Driver
import Support
import Testing
import Verify

@testable import ONNXReader

/// A chain of nodes from inputs to `y`, of which derivatives with respect to some inputs are taken.
struct GradientCase: Sendable, CustomTestStringConvertible {
  var nodes: [NodeDef]
  var inputs: [(name: String, numbers: Numbers)]
  var constants: [(name: String, numbers: Numbers)] = []
  var xs: [String]

  var testDescription: String { nodes.map(\.opType).joined(separator: " ") }

  /// The model with the derivatives as results, or with `y`.
  func model(withGradient: Bool) -> Model {
    var nodes = nodes
    if withGradient {
      nodes.append(
        node(
          "Gradient", inputs.map(\.name), xs.map { "d" + $0 }, domain: "ai.onnx.preview.training",
          [
            "xs": .texts(xs), "zs": .texts(inputs.map(\.name).filter { !xs.contains($0) }), "y": .text("y"),
          ]))
    }
    let graph = GraphDef(
      name: "g", doc: "", nodes: nodes,
      inputs: inputs.map { ValueInfo(name: $0.name, type: HostValue.tensor($0.numbers.tensor).type) },
      outputs: (withGradient ? xs.map { "d" + $0 } : ["y"]).map { ValueInfo(name: $0, type: nil) }, valueInfos: [],
      initializers: constants.map { constant in
        var tensor = constant.numbers.tensor
        tensor.name = constant.name
        return tensor
      }, sparseInitializers: [])
    return Model(
      irVersion: 10, opsets: ["": 17, "ai.onnx.preview.training": 1], producerName: "", producerVersion: "", domain: "",
      version: 1, doc: "", metadata: [], graph: graph, functions: [])
  }
}

private func node(
  _ type: String, _ inputs: [String], _ outputs: [String], domain: String = "",
  _ attributes: [String: AttributeValue] = [:]
) -> NodeDef {
  NodeDef(
    name: "n_" + outputs[0], opType: type, domain: domain, overload: "", inputs: inputs, outputs: outputs,
    attributes: attributes)
}

/// Numbers between -1.5 and 1.5 that are no multiples of each other.
private func numbers(_ dims: [Int], from start: Int = 1) -> Numbers {
  let values = (0..<dims.reduce(1, *)).map { index in
    let residue = ((index + start) * 37 + start * 11) % 101
    return Double(residue) / 33.7 - 1.493
  }
  return Numbers(.f64, dims, values)
}

private func integers(_ dims: [Int], _ values: [Int]) -> Numbers { Numbers(.i64, dims, values.map { Double($0) }) }

private func square(_ name: String) -> NodeDef { node("Mul", [name, name], ["y"]) }

private let cases: [GradientCase] = [
  GradientCase(
    nodes: [node("Add", ["a", "b"], ["c"]), node("Div", ["c", "a"], ["y"])],
    inputs: [("a", numbers([2, 3])), ("b", numbers([3], from: 5))], xs: ["a", "b"]),
  GradientCase(
    nodes: [
      node("Tanh", ["a"], ["t"]), node("Exp", ["t"], ["e"]), node("Sin", ["e"], ["s"]), node("Erf", ["s"], ["y"]),
    ],
    inputs: [("a", numbers([5]))], xs: ["a"]),
  GradientCase(
    nodes: [node("Pow", ["a", "b"], ["p"]), node("Sigmoid", ["p"], ["y"])],
    inputs: [("a", Numbers(.f64, [3], [0.4, 1.1, 2.3])), ("b", numbers([3]))], xs: ["a", "b"]),
  GradientCase(
    nodes: [
      node("Gemm", ["x", "w", "b"], ["z"], ["transB": .int(1), "alpha": .float(0.5)]), node("LogSoftmax", ["z"], ["l"]),
      square("l"),
    ],
    inputs: [("x", numbers([3, 2])), ("w", numbers([4, 2], from: 3)), ("b", numbers([4], from: 9))],
    xs: ["x", "w", "b"]),
  GradientCase(
    nodes: [node("MatMul", ["a", "b"], ["m"]), square("m")],
    inputs: [("a", numbers([2, 3])), ("b", numbers([2, 3, 2], from: 4))], xs: ["a", "b"]),
  GradientCase(
    nodes: [
      node("Conv", ["x", "w"], ["c"], ["strides": .ints([2, 1]), "pads": .ints([1, 0, 0, 2]), "group": .int(2)]),
      square("c"),
    ],
    inputs: [("x", numbers([1, 4, 4, 3])), ("w", numbers([2, 2, 2, 3], from: 8))], xs: ["x", "w"]),
  GradientCase(
    nodes: [node("MaxPool", ["x"], ["p"], ["kernel_shape": .ints([2]), "strides": .ints([2])]), square("p")],
    inputs: [("x", numbers([1, 2, 6]))], xs: ["x"]),
  GradientCase(
    nodes: [node("ReduceProd", ["a"], ["p"], ["axes": .ints([1])]), square("p")],
    inputs: [("a", Numbers(.f64, [3, 3], [0.5, 2, -1, 0, 3, 0.7, 0, 0, 2]))], xs: ["a"]),
  GradientCase(
    nodes: [node("ReduceMax", ["a"], ["p"], ["axes": .ints([0])]), node("ReduceMean", ["p"], ["q"]), square("q")],
    inputs: [("a", numbers([4, 3]))], xs: ["a"]),
  GradientCase(
    nodes: [
      node("Slice", ["a", "start", "end", "axis", "step"], ["s"]), node("Concat", ["s", "b"], ["c"], ["axis": .int(0)]),
      square("c"),
    ],
    inputs: [("a", numbers([5, 2])), ("b", numbers([1, 2], from: 7))],
    constants: [
      ("start", integers([1], [4])), ("end", integers([1], [0])), ("axis", integers([1], [0])),
      ("step", integers([1], [-2])),
    ], xs: ["a", "b"]),
  GradientCase(
    nodes: [node("Gather", ["a", "i"], ["g"]), node("Pad", ["g", "p"], ["q"], ["mode": .text("reflect")]), square("q")],
    inputs: [("a", numbers([4, 3]))],
    constants: [("i", integers([3], [0, 2, 2])), ("p", integers([4], [1, 0, 1, 2]))], xs: ["a"]),
  GradientCase(
    nodes: [node("ScatterElements", ["a", "i", "u"], ["s"]), node("TopK", ["s", "k"], ["t", "j"]), square("t")],
    inputs: [("a", numbers([3, 4])), ("u", numbers([1, 4], from: 6))],
    constants: [("i", integers([1, 4], [2, 0, 1, 1])), ("k", integers([1], [2]))], xs: ["a", "u"]),
  GradientCase(
    nodes: [node("Exp", ["a"], ["y"])], inputs: [("a", numbers([2])), ("b", numbers([3]))], xs: ["a", "b"]),
]

@Suite struct GradientTests {
  private func compiled(_ model: Model) throws -> any RunnableCase {
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    return try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
  }

  /// The derivative is what small changes of every element give.
  @Test(arguments: cases) func agreesWithDifferences(_ test: GradientCase) throws {
    let arguments = test.inputs.map(\.numbers)
    let gradients = try compiled(test.model(withGradient: true)).run(arguments.map { .tensor($0.tensor) })
    let forward = try compiled(test.model(withGradient: false))
    func total(_ arguments: [Numbers]) throws -> Double {
      guard case .tensor(let y) = try forward.run(arguments.map { .tensor($0.tensor) })[0] else { return .nan }
      return (y.doubles() ?? []).reduce(0, +)
    }
    for (x, gradient) in zip(test.xs, gradients) {
      let position = try #require(test.inputs.firstIndex { $0.name == x })
      var expected = arguments[position]
      for index in expected.values.indices {
        var (above, below) = (arguments, arguments)
        above[position].values[index] += 1e-5
        below[position].values[index] -= 1e-5
        expected.values[index] = (try total(above) - total(below)) / 2e-5
      }
      try compare(gradient, to: .tensor(expected.tensor), Tolerance(relative: 1e-5, absolute: 1e-7))
    }
  }

  @Test func gradientThroughLoopIsUnsupported() throws {
    let test = GradientCase(
      nodes: [node("CumSum", ["a", "i"], ["c"]), square("c")], inputs: [("a", numbers([100]))],
      constants: [("i", integers([], [0]))], xs: ["a"])
    #expect {
      _ = try compiled(test.model(withGradient: true))
    } throws: { error in
      "\(error)".contains("the gradient through 'n_c' (CumSum-17), a scan, is not supported")
    }
  }
}
