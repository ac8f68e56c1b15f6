import EmitC
import EmitHeader
import EmitLLVM
import Glibc
import LoopIR
import ONNXReader
import Operators
import Passes
import Schedule
import Support
import TensorIR
import Tuning
import Verify

/// What the command line asks of the compiler.
public enum Pipeline {
  /// Compiles the model at `path` to `options.output`.
  public static func compile(path: String, options: CompileOptions) throws {
    let model = try Model.load(path: path)
    guard let lowered = try lower(model, options: options) else { return }
    try emit(lowered, options: options)
  }

  /// Throws everything that would stop the compilation of the model at `path`.
  public static func check(path: String, options: CompileOptions) throws(ModelError) {
    _ = try lower(try Model.load(path: path), options: options)
  }

  /// The text of the program after every stage, in order, and the generated header.
  public static func texts(path: String, options: CompileOptions) throws(ModelError)
    -> (stages: [(name: String, text: String)], header: String)
  {
    let stages = Texts()
    guard
      let lowered = try lower(
        try Model.load(path: path), options: options, observe: { stages.all.append(($0, $1())) })
    else { return (stages.all, "") }
    return (stages.all, emitHeader(lowered.program, try lowered.interface))
  }

  private final class Texts {
    var all: [(name: String, text: String)] = []
  }

  /// What a model needs of memory.
  public static func memory(path: String, options: CompileOptions) throws(ModelError) -> MemoryReport {
    var options = options
    options.stopAfter = ""
    guard let lowered = try lower(try Model.load(path: path), options: options) else {
      fatalError("lowering stopped without being asked to")
    }
    return lowered.memory
  }

  /// Compiles models into this process.
  public static func caseCompiler(options: CompileOptions) -> CaseCompiler {
    CaseCompiler { (request) throws(ModelError) in
      let lowered = try lower(request, options: options)
      return try CompiledCase(lowered, outputs: request.model.graph.outputs, options: options)
    }
  }

  /// The programs that a case asks for.
  static func lower(_ request: CaseRequest, options: CompileOptions) throws(ModelError) -> LoweredModel {
    var options = options
    options.dims.merge(request.bindings) { asked, _ in asked }
    options.stopAfter = ""
    guard let lowered = try lower(request.model, inputs: request.inputs, options: options) else {
      fatalError("lowering stopped without being asked to")
    }
    return lowered
  }

  /// A line for each supported operator with its versions.
  public static var operators: [String] {
    Registry.all.map { entry in
      let domain = entry.name.domain.isEmpty ? "ai.onnx" : entry.name.domain
      return "\(domain) \(entry.name.name) \(entry.name.versions.map(String.init).joined(separator: ","))"
    }.sorted()
  }

  /// The whole way from a model to its programs; nil if `--stop-after` ended it.
  ///
  /// `inputs` fixes the types of the inputs in place of the declared ones.
  static func lower(
    _ model: Model, inputs: [ValueInfo]? = nil, options: CompileOptions,
    observe: @escaping (String, () -> String) -> Void = { _, _ in }
  ) throws(ModelError) -> LoweredModel? {
    let processors = try processors(options)
    let stages = Stages(options, observe: observe)
    let imported = try stages.run("import") { () throws(ModelError) in
      try importModel(model, dims: options.dims, inputs: inputs, custom: options.customOperators)
    }
    if try stages.ends("import", imported.graph) { return nil }
    let hash = hash(model, options, processors)
    var lowered = LoweredModel()
    for processor in processors {
      let measured = options.tuning.choices(for: processor.model)
      if var twin = lowered.variants.first(where: {
        $0.processor.target == processor.target && $0.measured == measured
      }) {
        twin.processor = processor
        lowered.variants.append(twin)
        continue
      }
      var choices = Choices(measured)
      let result = try lower(imported, for: processor.target, options, stages, &choices)
      guard case (var program, let memory, let groups)? = result else { return nil }
      program.comments = comments(model, processors)
      program.modelHash = hash
      if stages.ends("schedule", program) { return nil }
      lowered.add(program, memory, for: processor, measured: measured)
      lowered.groups = groups
      if lowered.questions.isEmpty { lowered.questions = choices.questions }
    }
    return lowered
  }

  /// The program of an imported model for one processor; nil if `--stop-after` ended it.
  private static func lower(
    _ imported: ImportedModel, for target: Target, _ options: CompileOptions, _ stages: Stages,
    _ choices: inout Choices
  ) throws(ModelError) -> (Program, MemoryReport, [Group])? {
    var graph = imported.graph
    let units = options.precision.vectorUnits(of: target)
    for pass in tensorPasses where !pass.isForVectors || target.vectorBytes >= 32 {
      graph = stages.run(pass.name) { pass.run(graph, &choices, units) }
      if try stages.ends(pass.name, graph) { return nil }
    }
    let ports = ModelPorts(imported, graph)
    return try stages.run("schedule") { () throws(ModelError) in
      try schedule(
        graph, inputs: ports.inputs, outputs: ports.outputs, prefix: symbolPrefix(options.name),
        target: target, threads: options.threads, isMeasured: options.isMeasured, choices: &choices)
    }
  }

  private static func comments(_ model: Model, _ processors: [Processor]) -> [String] {
    var lines: [String] = []
    if !model.producerName.isEmpty { lines.append("Producer: \(model.producerName) \(model.producerVersion)") }
    if !model.doc.isEmpty { lines.append(model.doc) }
    lines += model.metadata.map { "\($0.key): \($0.value)" }
    if processors.count > 1 {
      let names = processors.map(\.name).joined(separator: ", ")
      let other = processors.contains { $0.name == X86Level.v1.rawValue }
        ? "" : "; others get status \(Status.unsupportedProcessor.rawValue)"
      lines.append("A processor runs the first code that it can of \(names)\(other)")
    }
    return lines
  }

  /// FNV-1a over the model's graph and the options that shape the code, in hexadecimal.
  private static func hash(_ model: Model, _ options: CompileOptions, _ processors: [Processor]) -> String {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ bytes: some Sequence<UInt8>) { for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 } }
    for node in model.graph.nodes {
      mix(node.opType.utf8)
      for name in node.inputs + node.outputs { mix(name.utf8) }
    }
    for tensor in model.graph.initializers {
      mix(tensor.name.utf8)
      let step = max(8, tensor.bytes.count / 4096 / 8 * 8)
      for offset in stride(from: 0, to: tensor.bytes.count, by: step) { mix(CollectionOfOne(tensor.bytes[offset])) }
    }
    for (name, size) in options.dims.sorted(by: { $0.key < $1.key }) { mix("\(name)=\(size)".utf8) }
    let cpu = processors.map(\.name).joined(separator: ",")
    mix("\(options.target) \(cpu) \(options.features)\(options.threads > 1 ? " \(options.threads)" : "")".utf8)
    if options.precision != .f32 { mix(options.precision.rawValue.utf8) }
    if options.tuning != TuningTable() { mix(options.tuning.description.utf8) }
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The name made a C identifier.
  static func symbolPrefix(_ name: String) -> String {
    var result = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    if result.isEmpty { result = "model" }
    return result.first?.isNumber == true ? "m" + result : result
  }
}
