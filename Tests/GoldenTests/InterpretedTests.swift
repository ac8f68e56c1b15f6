import LoopIR
import ONNXReader
import Support
import Testing
import Verify

@testable import Driver

/// A program that is interpreted with checks of every access.
private struct InterpretedCase: RunnableCase {
  var program: Program

  func run(_ inputs: [HostValue]) throws -> [HostValue] {
    let bytes = inputs.map { value -> [UInt8] in
      guard case .tensor(let tensor) = value else { return [] }
      return tensor.bytes.withUnsafeBytes { Array($0) }
    }
    let result = try program.interpret(inputs: bytes)
    guard result.status == 0 else { throw ModelError.invalid("the model returned status \(result.status)") }
    return zip(result.outputs, program.outputs).map { output, port in
      let dims = port.extents.compactMap(\.expr.integerValue)
      return .tensor(TensorData(element: port.element, dims: dims, bytes: Bytes(output)))
    }
  }
}

/// A processor to schedule for.
private struct Processor: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var backend = CompileOptions.Backend.llvm
  var triple = "x86_64-unknown-linux-gnu"
  var features: [String] = []
}

private let processors = [
  Processor(testDescription: "portable", backend: .c), Processor(testDescription: "avx512", features: ["+avx512f"]),
  Processor(testDescription: "avx2", features: ["+avx2"]),
  Processor(testDescription: "neon", triple: "aarch64-unknown-linux-gnu"),
]

@Suite("Golden models, interpreted")
struct InterpretedTests {
  @Test("results", arguments: goldenModels, processors)
  private func results(_ model: String, _ processor: Processor) throws {
    var options = CompileOptions()
    options.backend = processor.backend
    options.target = processor.triple
    options.cpu = "generic"
    options.features = processor.features
    options.name = model
    let compiler = CaseCompiler { (request) throws(ModelError) in
      var options = options
      options.dims = request.bindings
      let inputs = request.bindings.isEmpty ? nil : request.inputs
      guard let lowered = try Pipeline.lower(request.model, inputs: inputs, options: options) else {
        throw .invalid("lowering stopped")
      }
      return InterpretedCase(program: lowered.program)
    }
    let test = try #require(TestCase.all(below: "\(goldenFolder)/\(model)").first)
    let result = runCase(test, with: compiler)
    #expect(result.status == .passed, "\(result.reason)")
  }
}
