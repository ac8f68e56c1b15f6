import ONNXReader
import Support

/// What became of a case.
public struct CaseResult: Hashable, Sendable {
  public enum Status: String, Sendable { case passed, failed, unsupported }

  public var status: Status
  /// Why it did not pass, or how it passed when that is worth saying.
  public var reason: String
  /// The part of the reason that cases have in common.
  public var cause: String

  public init(_ status: Status, reason: String = "", cause: String = "") {
    self.status = status
    self.reason = reason
    self.cause = cause.isEmpty ? reason : cause
  }

  /// The result of a case whose model is wrong or unsupported.
  init(_ error: ModelError) {
    let unsupported = error.diagnostics.contains { $0.kind == .unsupported }
    let reason = error.diagnostics.map(\.description).joined(separator: "; ")
    self.init(unsupported ? .unsupported : .failed, reason: reason, cause: error.diagnostics.first?.message ?? "")
  }
}

/// Compiles and runs a case in this process and compares its outputs.
public func runCase(_ test: TestCase, with compiler: CaseCompiler) -> CaseResult {
  do {
    var runner = CaseRunner(test: test, compiler: compiler, model: try Model.load(path: test.modelPath))
    let tolerances = try CaseTolerances(folder: test.folder)
    let sets = test.dataSets
    for folder in sets { try runner.run(DataSet(folder: folder, model: runner.model), folder, tolerances) }
    return CaseResult(.passed, reason: runner.bound ? CaseRunner.boundNote : "")
  } catch let error as ModelError {
    return CaseResult(error)
  } catch let error as Difference {
    return CaseResult(.failed, reason: error.description, cause: error.cause)
  } catch {
    return CaseResult(.failed, reason: "\(error)")
  }
}

/// A case being run, with what was compiled for its data sets so far.
private struct CaseRunner {
  static let boundNote = "compiled with fixed dimensions"

  let test: TestCase
  let compiler: CaseCompiler
  let model: Model
  var bound = false
  private var general: (any RunnableCase)?
  private var special: (bindings: [String: Int], inputs: [ValueInfo], code: any RunnableCase)?

  init(test: TestCase, compiler: CaseCompiler, model: Model) {
    self.test = test
    self.compiler = compiler
    self.model = model
  }

  mutating func run(_ data: DataSet, _ folder: String, _ tolerances: CaseTolerances) throws {
    let outputs = try code(for: data).run(data.inputs.map(\.value))
    let place = test.dataSets.count > 1 ? "\(lastComponent(folder)): " : ""
    guard outputs.count >= data.outputs.count else {
      throw Difference(
        cause: "outputs are missing", details: "\(place)\(outputs.count) instead of \(data.outputs.count)")
    }
    for (index, (actual, expected)) in zip(outputs, data.outputs).enumerated() {
      let name = model.graph.outputs[index].name
      let tolerance = tolerances.tolerance(output: index, name: name)
      do {
        if let random = model.randomResults {
          try compare(actual, to: expected, tolerance, random)
        } else {
          try compare(actual, to: expected, tolerance)
        }
      } catch {
        throw Difference(cause: error.cause, details: "\(place)output '\(name)' \(error.details)")
      }
    }
  }

  /// The code for a data set: compiled for all sizes if possible, else for those of the data.
  private mutating func code(for data: DataSet) throws(ModelError) -> any RunnableCase {
    if let general { return general }
    if !bound {
      do {
        let request = CaseRequest(path: test.modelPath, model: model, bindings: [:], inputs: data.inputs.map(\.info))
        let code = try compiler.compile(request)
        general = code
        return code
      } catch {
        guard error.diagnostics.contains(where: { $0.kind == .unsupported }), data.hasOpenDimensions else {
          throw error
        }
      }
    }
    let bindings = try data.bindings()
    var inputs: [ValueInfo] = []
    for (info, value) in data.inputs {
      for part in try value.parts(info.name) { inputs.append(ValueInfo(name: part.name, type: part.value.type, doc: info.doc)) }
    }
    if let special, special.bindings == bindings, special.inputs == inputs { return special.code }
    let request = CaseRequest(path: test.modelPath, model: model, bindings: bindings, inputs: inputs)
    let code = try compiler.compile(request)
    bound = true
    special = (bindings, inputs, code)
    return code
  }
}

extension DataSet {
  /// Whether the declaration of an input leaves a size open.
  fileprivate var hasOpenDimensions: Bool {
    inputs.contains { info, _ in
      guard case .tensor(_, let dims?)? = info.type else { return true }
      return dims.contains {
        switch $0 {
        case .value: false
        case .param, .unknown: true
        }
      }
    }
  }
}
