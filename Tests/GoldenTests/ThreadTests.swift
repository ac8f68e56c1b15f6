import Support
import Testing
import Verify

@testable import Driver
@testable import ONNXReader

/// A node of a test model.
private func node(_ type: String, _ inputs: [String], _ output: String, _ attributes: [String: AttributeValue] = [:]) -> NodeDef {
  NodeDef(
    name: output, opType: type, domain: "", overload: "", inputs: inputs, outputs: [output], attributes: attributes)
}

/// Products that pack their panels at run time, convolutions with ragged edges, row-wise and column-wise reductions, and padding.
private let model = Model(
  irVersion: 10, opsets: ["": 21], producerName: "", producerVersion: "", domain: "", version: 1, doc: "", metadata: [],
  graph: GraphDef(
    name: "g", doc: "",
    nodes: [
      node("Gemm", ["x", "w"], "product", ["transB": .int(1)]),
      node("Softmax", ["product"], "y0", ["axis": .int(1)]),
      node("ReduceMax", ["product", "rows"], "y1", ["keepdims": .int(0)]),
      node("Conv", ["image", "kernel"], "convolved", ["pads": .ints([1, 1, 1, 1])]),
      node("Relu", ["convolved"], "positive"),
      node("Conv", ["positive", "depthwise"], "y2", ["group": .int(35), "strides": .ints([2, 2])]),
    ],
    inputs: [
      ValueInfo(name: "x", type: .tensor(.f32, [.param("n"), .value(67)])),
      ValueInfo(name: "w", type: .tensor(.f32, [.value(131), .value(67)])),
      ValueInfo(name: "image", type: .tensor(.f32, [.value(1), .value(5), .value(37), .value(41)])),
      ValueInfo(name: "kernel", type: .tensor(.f32, [.value(35), .value(5), .value(3), .value(3)])),
      ValueInfo(name: "depthwise", type: .tensor(.f32, [.value(35), .value(1), .value(3), .value(3)])),
    ],
    outputs: (0..<3).map { ValueInfo(name: "y\($0)", type: nil) }, valueInfos: [],
    initializers: [TensorData(name: "rows", element: .i64, dims: [1], bytes: Bytes([0, 0, 0, 0, 0, 0, 0, 0]))],
    sparseInitializers: []), functions: [])

/// Numbers from -1 to 1, the same in every run.
private func numbers(_ dims: [Int], seed: UInt64) -> HostValue {
  var state = seed
  let count = dims.reduce(1, *)
  let bytes = Bytes(count: count * 4) { target in
    for index in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      target.storeBytes(of: Float(Int64(bitPattern: state) >> 32) / 0x1p31, toByteOffset: index * 4, as: Float.self)
    }
  }
  return .tensor(TensorData(element: .f32, dims: dims, bytes: bytes))
}

@Suite struct ThreadTests {
  private func results(_ backend: CompileOptions.Backend, threads: Int, rows: Int) throws -> [HostValue] {
    var options = CompileOptions()
    options.backend = backend
    options.threads = threads
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: options).compile(request)
    let inputs = [[rows, 67], [131, 67], [1, 5, 37, 41], [35, 5, 3, 3], [35, 1, 3, 3]]
    let values = inputs.enumerated().map { numbers($1, seed: UInt64($0)) }
    let first = try code.run(values)
    #expect(try code.run(values) == first)
    return first
  }

  @Test(arguments: CompileOptions.Backend.allCases, [2, 3, 8])
  func resultsDoNotDependOnTheNumberOfThreads(_ backend: CompileOptions.Backend, _ threads: Int) throws {
    for rows in [1, 200] {
      #expect(try results(backend, threads: threads, rows: rows) == results(backend, threads: 1, rows: rows))
    }
  }

  @Test func divisionShowsInTheInterface() throws {
    var options = CompileOptions()
    options.threads = 2
    let program = try #require(try Pipeline.lower(model, options: options)).program
    #expect(program.parts == 2)
    #expect(program.kernels.contains { !$0.scalars.isEmpty })
    options.threads = 1
    #expect(try #require(try Pipeline.lower(model, options: options)).program.parts == 1)
  }
}
