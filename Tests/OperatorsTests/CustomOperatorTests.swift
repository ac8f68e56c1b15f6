import Driver
import Foundation
import Support
import TensorIR
import Testing
import Verify

@testable import ONNXReader
@testable import Operators

private let smoothing = """
  // A comment.
  my.audio::Smooth(x: T[batch, n], optional gain: T[g], window: T[3]; stride: int = 1, mode: string = "zero")
    -> y: T[batch, (n - 1) / stride + 1], peak: T[batch]
  "my-domain"::Any(x: T[..s, last], optional y: T[..s, k]; axes: ints = [1], scale: float, weights: floats = [1, 0.5])
    -> z: i64[last * axes[0], ..s]
  """

/// A node of a foreign domain over inputs `x0`, `x1` and so on.
private func model(
  _ type: String, domain: String, _ inputs: [TypeDef?], _ attributes: [String: AttributeValue] = [:], outputs: Int = 1,
  functions: [FunctionDef] = []
) -> Model {
  let node = NodeDef(
    name: "n", opType: type, domain: domain, overload: "",
    inputs: inputs.enumerated().map { $1 == nil ? "" : "x\($0)" },
    outputs: (0..<outputs).map { "y\($0)" }, attributes: attributes)
  let values = inputs.enumerated().compactMap { position, type in
    type.map { ValueInfo(name: "x\(position)", type: $0) }
  }
  let graph = GraphDef(
    name: "g", doc: "", nodes: [node], inputs: values,
    outputs: (0..<outputs).map { ValueInfo(name: "y\($0)", type: nil) }, valueInfos: [], initializers: [],
    sparseInitializers: [])
  return Model(
    irVersion: 10, opsets: ["": 21, domain: 1], producerName: "", producerVersion: "", domain: "", version: 1, doc: "",
    metadata: [], graph: graph, functions: functions)
}

private func tensor(_ element: ElementType, _ dims: DimDef...) -> TypeDef { .tensor(element, dims) }

/// The call that the node becomes, and the errors.
private func imported(_ model: Model, _ rules: String) throws -> (call: External?, errors: [String]) {
  let custom = try CustomOperators(rules)
  do {
    let graph = try importModel(model, custom: custom).graph
    for node in graph.nodes { if case .external(let call) = node.primitive { return (call, []) } }
    return (nil, [])
  } catch {
    return (nil, error.diagnostics.map { $0.message })
  }
}

@Suite("Custom operators") struct CustomOperatorTests {
  @Test("signatures and types follow from the rule") func signatures() throws {
    let test = model(
      "Smooth", domain: "my.audio", [tensor(.f32, .param("b"), .value(7)), nil, tensor(.f32, .value(3))],
      ["stride": .int(2)], outputs: 2)
    let call = try #require(try imported(test, smoothing).call)
    #expect(call.results == [TensorType(.f32, [Dim(symbol: "b"), 4]), TensorType(.f32, [Dim(symbol: "b")])])
    #expect(
      call.function.description == """
        my_audio_Smooth_f32(x: input f32, x_dims: input i64, gain: input f32, gain_dims: input i64, window: input f32, \
        window_dims: input i64, stride: value i64, mode: text u8, y: output f32, y_dims: input i64, peak: output f32, \
        peak_dims: input i64) "my.audio::Smooth(x: f32[batch, n], optional gain: f32[g], window: f32[3]; \
        stride: int = 1, mode: string = \\"zero\\") -> y: f32[batch, (n - 1) / stride + 1], peak: f32[batch]"
        """)
    #expect(call.arguments[2] == .absent && call.arguments[3] == .absent && call.arguments[6] == .integer(2))
  }

  @Test("open ranks and lists") func openRanks() throws {
    let x = tensor(.f64, .value(2), .value(3), .value(4))
    let test = model("Any", domain: "my-domain", [x], ["scale": .float(0.5)])
    let call = try #require(try imported(test, smoothing).call)
    #expect(call.results == [TensorType(.i64, [4, 2, 3])])
    #expect(call.function.name == "my_domain_Any_f64")
    let names = call.function.parameters.map(\.name)
    #expect(
      names == [
        "x", "x_rank", "x_dims", "y", "y_rank", "y_dims", "axes", "axes_count", "scale", "weights", "weights_count",
        "z", "z_rank", "z_dims",
      ])
    #expect(call.arguments[1] == .integer(3) && call.arguments[4] == .integer(0) && call.arguments[8] == .float(0.5))
  }

  @Test("rules print as they are read") func texts() throws {
    let rule = try #require(try CustomOperators(smoothing).rule("my-domain", "Any"))
    #expect(
      rule.description == """
        "my-domain"::Any(x: T[..s, last], optional y: T[..s, k]; axes: ints = [1], scale: float, \
        weights: floats = [1.0, 0.5]) -> z: i64[last * axes[0], ..s]
        """)
    #expect(try CustomOperators(rule.description).rule("my-domain", "Any") == rule)
  }

  @Test(
    "wrong rules",
    arguments: [
      ("a.b:C(x: T[n]) -> y: T[n]", "1:5: ':' expected, not 'C'"),
      ("a.b::C(x: float[n]) -> y: f32[n]", "1:11: 'float' is no element type"),
      ("a.b::C(x: T[n]) -> y: string[n]", "1:23: 'string' is no element type"),
      ("a.b::C(x: T[n]) -> y: U[n]", "no input has type U"), ("a.b::C(x: T[n]) -> y: T[m]", "'m' is no dimension"),
      ("a.b::C(x: T[n]) -> y: T[..s]", "no input has dimensions ..s"),
      ("a.b::C(x: T[n + 1]) -> y: T[n]", "'n + 1' of input x is neither a name nor a number"),
      ("a.b::C(x: T[..a, ..b]) -> y: T[..a]", "two parts of open rank"),
      ("a.b::C(x: T[n], x: T[n]) -> y: T[n]", "have one name"),
      ("a.b::C(x: T[n]; n: int) -> y: T[n]", "'n' is a dimension"),
      ("a.b::C(x: T[n]; k: real) -> y: T[n]", "an attribute is one of int"),
      ("a.b::C(x: T[n]; k: floats) -> y: T[k[0]]", "'k' is no dimension"),
      ("a.b::C(x: T[n]) -> y: T[n] a.b::C(x: T[n]) -> y: T[n]", "1:28: a.b::C has a rule already"),
      ("a.b::C(x: T[n]) -> y: T[n] a::b_C(x: T[n]) -> y: T[n]", "would both call a_b_C"),
      ("a.b::C(x: T[" + String(repeating: "(", count: 300), "nested too deep"),
    ])
  func wrongRules(_ text: String, _ message: String) {
    do throws(ParseError) {
      _ = try CustomOperators(text)
      Issue.record("the rule is accepted")
    } catch { #expect(error.description.contains(message), "\(error)") }
  }

  @Test(
    "wrong nodes",
    arguments: [
      (model("Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7))]), "argument 2, 'window', is missing"),
      (
        model("Smooth", domain: "my.audio", [tensor(.f32, .value(7)), nil, tensor(.f32, .value(3))]),
        "argument 'x' has rank 1, but the rule says 'x: T[batch, n]'"
      ),
      (
        model("Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7)), nil, tensor(.f64, .value(3))]),
        "T is f32, but argument 'window' is f64"
      ),
      (
        model("Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7)), nil, tensor(.f32, .value(4))]),
        "a dimension of argument 'window': 4 and 3 differ"
      ),
      (
        model(
          "Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7)), nil, tensor(.f32, .value(3))],
          ["stride": .int(0)]), "divides by 0"
      ),
      (
        model(
          "Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7)), nil, tensor(.f32, .value(3))],
          ["step": .int(2)]), "has no attribute 'step'"
      ),
      (
        model(
          "Smooth", domain: "my.audio", [tensor(.f32, .value(1), .value(7)), nil, tensor(.f32, .value(3))],
          ["stride": .float(2)]), "attribute 'stride' must be an integer"
      ),
      (model("Any", domain: "my-domain", [tensor(.f32, .value(2))]), "attribute 'scale' is missing"),
      (
        model("Any", domain: "my-domain", [tensor(.f32, .value(2))], ["scale": .float(1), "axes": .ints([])]),
        "attribute 'axes' has no element 0"
      ),
      (
        model("Any", domain: "my-domain", [tensor(.f32, .value(2))], ["scale": .float(1), "axes": .ints([-1])]),
        "dimension 'last * axes[0]' of result 'z' is -2"
      ),
      (
        model(
          "Any", domain: "my-domain", [tensor(.f32, .value(2), .value(3)), tensor(.f32, .value(4), .value(3))],
          ["scale": .float(1)]), "..s: 2 and 4 differ"
      ),
      (
        model("Other", domain: "my.audio", [tensor(.f32, .value(2))]),
        "operator Other of domain 'my.audio' is not supported"
      ),
    ])
  private func wrongNodes(_ model: Model, _ message: String) throws {
    let errors = try imported(model, smoothing).errors
    #expect(errors.contains { $0.contains(message) }, "\(errors)")
  }

  @Test("the next step for an unknown operator is a rule") func hint() {
    do throws(ModelError) {
      _ = try importModel(model("Other", domain: "my-domain", [tensor(.f32, .value(2))]))
      Issue.record("the model is accepted")
    } catch {
      let hint = error.diagnostics.first?.hint
      #expect(hint == "give its shape rule with --custom-ops, such as \"my-domain\"::Other(x: T[..s]) -> y: T[..s]")
    }
  }

  /// A function of the model computes its operator, unless there is a rule.
  @Test func functions() throws {
    let body = NodeDef(
      name: "b", opType: "Neg", domain: "", overload: "", inputs: ["a"], outputs: ["r"], attributes: [:])
    let function = FunctionDef(
      name: "Twice", domain: "my", overload: "", doc: "", opsets: ["": 21], inputs: ["a"], outputs: ["r"],
      requiredAttributes: [], defaultAttributes: [:], nodes: [body], valueInfos: [])
    let test = model("Twice", domain: "my", [tensor(.f32, .value(2))], functions: [function])
    #expect(try imported(test, "").call == nil)
    #expect(try imported(test, "").errors == [])
    #expect(try imported(test, "my::Twice(x: f32[n]) -> y: f32[n]").call?.function.name == "my_Twice")
  }
}

/// Calls of functions that are compiled for the test.
@Suite("Custom operators at run time") struct CustomOperatorRunTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnxc-operators-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func options(_ code: String, _ rules: String, _ backend: CompileOptions.Backend) throws -> CompileOptions {
    let file = folder.appendingPathComponent("operators.c")
    try "#include <stdint.h>\n#include <string.h>\n\(code)".write(to: file, atomically: true, encoding: .utf8)
    var options = CompileOptions()
    options.customOperators = try CustomOperators(rules)
    options.link = [file.path]
    options.backend = backend
    return options
  }

  private func run(_ model: Model, _ inputs: [Numbers], _ options: CompileOptions) throws -> [HostValue] {
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    return try Pipeline.caseCompiler(options: options).compile(request).run(inputs.map { .tensor($0.tensor) })
  }

  /// Optional inputs, several outputs, attributes of all kinds and dimensions that only a call knows.
  @Test(arguments: CompileOptions.Backend.allCases) func everyKindOfArgument(_ backend: CompileOptions.Backend) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let code = """
      int my_Mix_f32(const float *x, int64_t x_rank, const int64_t *x_dims, const float *bias, const int64_t *bias_dims,
                     int64_t factor, float scale, const char *mode, const int64_t *list, int64_t list_count,
                     const float *steps, int64_t steps_count, float *y, int64_t y_rank, const int64_t *y_dims,
                     int64_t *info, const int64_t *info_dims) {
        int64_t count = 1;
        for (int64_t axis = 0; axis < x_rank; axis++) count *= x_dims[axis];
        for (int64_t i = 0; i < 2 * count; i++)
          y[i] = x[i % count] * scale + (float)factor + (bias != NULL ? bias[0] : 0.0f) + steps[steps_count - 1];
        info[0] = x_rank;
        info[1] = bias_dims != NULL ? bias_dims[0] : -1;
        info[2] = (int64_t)strlen(mode);
        info[3] = list_count > 1 ? list[1] : -1;
        info[4] = y_dims[y_rank - 1];
        return info_dims[0] == 5 ? 0 : 1;
      }
      """
    let rules = """
      my::Mix(x: T[..s, n], optional bias: T[b]; factor: int = 3, scale: float, mode: string, list: ints = [],
        steps: floats = [0.25]) -> y: T[..s, n * 2], info: i64[5]
      """
    let attributes: [String: AttributeValue] = [
      "scale": .float(2), "mode": .text("abc"), "list": .ints([7, 9]), "factor": .int(-1),
    ]
    let options = try options(code, rules, backend)
    let x = Numbers(.f32, [1, 2], [1, 10])
    let open = model("Mix", domain: "my", [tensor(.f32, .value(1), .param("n"))], attributes, outputs: 2)
    let first = try run(open, [x], options)
    try compare(first[0], to: .tensor(Numbers(.f32, [1, 4], [1.25, 19.25, 1.25, 19.25]).tensor), Tolerance())
    try compare(first[1], to: .tensor(Numbers(.i64, [5], [2, -1, 3, 9, 4]).tensor), Tolerance())
    let both = model(
      "Mix", domain: "my", [tensor(.f32, .param("n")), tensor(.f32, .value(1))],
      ["scale": .float(1), "mode": .text("")], outputs: 2)
    let second = try run(both, [Numbers(.f32, [2], [1, 10]), Numbers(.f32, [1], [0.5])], options)
    try compare(second[0], to: .tensor(Numbers(.f32, [4], [4.75, 13.75, 4.75, 13.75]).tensor), Tolerance())
    try compare(second[1], to: .tensor(Numbers(.i64, [5], [1, 1, 0, -1, 4]).tensor), Tolerance())
  }

  @Test(arguments: CompileOptions.Backend.allCases) func aFunctionMayFail(_ backend: CompileOptions.Backend) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let code = """
      int my_Check(const float *x, const int64_t *x_dims, float *y, const int64_t *y_dims) {
        (void)y_dims;
        for (int64_t i = 0; i < x_dims[0]; i++) {
          if (x[i] < 0.0f) return -7;
          y[i] = x[i];
        }
        return 0;
      }
      """
    let options = try options(code, "my::Check(x: f32[n]) -> y: f32[n]", backend)
    let test = model("Check", domain: "my", [tensor(.f32, .param("n"))])
    #expect(try run(test, [Numbers(.f32, [2], [1, 2])], options).count == 1)
    let error = #expect(throws: ModelError.self) { try run(test, [Numbers(.f32, [2], [1, -2])], options) }
    #expect(error?.description.contains("status 7") == true)
  }

  @Test(arguments: CompileOptions.Backend.allCases) func codeMayBeMissing(_ backend: CompileOptions.Backend) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let test = model("Check", domain: "my", [tensor(.f32, .value(2))])
    var options = try options("int other(void) { return 0; }", "my::Check(x: f32[n]) -> y: f32[n]", backend)
    let unlinked = #expect(throws: ModelError.self) { try run(test, [Numbers(.f32, [2], [1, 2])], options) }
    #expect(unlinked?.description.contains("my_Check") == true)
    options.link = []
    let error = #expect(throws: ModelError.self) { try run(test, [Numbers(.f32, [2], [1, 2])], options) }
    #expect(error?.description.contains("--link") == true)
  }
}
