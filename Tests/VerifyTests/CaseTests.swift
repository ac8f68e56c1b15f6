import Glibc
import ONNXReader
import Support
import Testing
import Verify

/// Returns its inputs as outputs.
private struct Identity: RunnableCase {
  func run(_ inputs: [HostValue]) throws -> [HostValue] { inputs }
}

/// Writes a case with one input and one output of type `f32[n]`; returns its folder.
private func makeCase(input: [UInt8], output: [UInt8], settings: String? = nil) throws -> String {
  var template = Array("/tmp/onnxc-case-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw FileError("cannot make a folder") }
  let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  mkdir(folder + "/test_data_set_0", 0o777)
  func message(_ build: (inout WireWriter) -> Void) -> [UInt8] {
    var wire = WireWriter()
    build(&wire)
    return wire.output
  }
  func value(_ name: String) -> [UInt8] {
    message {
      $0.bytes(1, Array(name.utf8))
      $0.bytes(2, message {
        $0.bytes(1, message {
          $0.number(1, 1)
          $0.bytes(2, message { $0.bytes(1, message { $0.bytes(2, Array("n".utf8)) }) })
        })
      })
    }
  }
  let node = message {
    $0.bytes(1, Array("x".utf8))
    $0.bytes(2, Array("y".utf8))
    $0.bytes(4, Array("Identity".utf8))
  }
  let graph = message {
    $0.bytes(1, node)
    $0.bytes(11, value("x"))
    $0.bytes(12, value("y"))
  }
  let model = message {
    $0.number(1, 8)
    $0.bytes(7, graph)
    $0.bytes(8, message { $0.number(2, 17) })
  }
  func tensor(_ bytes: [UInt8]) -> [UInt8] {
    TensorData(element: .f32, dims: [bytes.count / 4], bytes: Bytes(bytes)).serialized()
  }
  try AtomicFile.write(model, path: folder + "/model.onnx")
  try AtomicFile.write(tensor(input), path: folder + "/test_data_set_0/input_0.pb")
  try AtomicFile.write(tensor(output), path: folder + "/test_data_set_0/output_0.pb")
  if let settings { try AtomicFile.write(settings, path: folder + "/data.json") }
  return folder
}

struct CaseTests {
  private let one: [UInt8] = [0, 0, 0x80, 0x3f]
  private let two: [UInt8] = [0, 0, 0, 0x40]
  private let identity = CaseCompiler { (_) throws(ModelError) in Identity() }

  @Test func passesAndFails() throws {
    let right = try makeCase(input: one, output: one)
    #expect(runCase(TestCase(name: "a", folder: right), with: identity) == CaseResult(.passed))
    let wrong = try makeCase(input: one, output: two)
    let result = runCase(TestCase(name: "a", folder: wrong), with: identity)
    #expect(result.status == .failed)
    #expect(result.reason.contains("output 'y' [0] is 1.0 instead of 2.0"))
    #expect(TestCase.all(below: right).count == 1)
  }

  @Test func readsTolerances() throws {
    for settings in [
      #"{"atol": 1}"#, #"{"outputs": [{"atol": 1}]}"#, #"{"outputs": {"y": {"atol": 1.0, "mean_atol": 2}}}"#,
    ] {
      let folder = try makeCase(input: one, output: two, settings: settings)
      #expect(runCase(TestCase(name: "a", folder: folder), with: identity).status == .passed)
    }
    let folder = try makeCase(input: one, output: two, settings: #"{"atol": 1, "outputs": [{"exact": true}]}"#)
    #expect(runCase(TestCase(name: "a", folder: folder), with: identity).status == .failed)
  }

  @Test func bindsDimensionsWhenItMust() throws {
    let picky = CaseCompiler { (request) throws(ModelError) in
      guard request.bindings == ["n": 1], request.inputs.first?.type == .tensor(.f32, [.value(1)]) else {
        throw .unsupported("open dimensions")
      }
      return Identity()
    }
    let folder = try makeCase(input: one, output: one)
    let result = runCase(TestCase(name: "a", folder: folder), with: picky)
    #expect(result.status == .passed)
    #expect(result.reason.contains("fixed dimensions"))
  }

  @Test func countsWhatIsUnsupported() throws {
    let never = CaseCompiler { (_) throws(ModelError) in throw .unsupported("nothing works", at: "'n' (Op-1)") }
    let folder = try makeCase(input: one, output: one)
    let result = runCase(TestCase(name: "a", folder: folder), with: never)
    #expect(result.status == .unsupported)
    #expect(result.cause == "nothing works")
    let report = SuiteReport(
      [CaseReport(test: TestCase(name: "a", folder: folder), result: result, seconds: 0)], mustPass: ["a"])
    #expect(report.text(details: false).hasSuffix("1 unsupported\n0 passed, 0 failed\n"))
    #expect(report.lost == ["a"])
  }
}
