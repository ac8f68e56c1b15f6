import ONNXReader
import Support

/// What a case asks of the compiler.
public struct CaseRequest: Sendable {
  /// The path of the model.
  public var path: String
  /// The model that was read from there.
  public var model: Model
  /// Fixed sizes of named dimensions.
  public var bindings: [String: Int]
  /// The inputs that will be given, in order, with fixed dimensions when `bindings` are used.
  public var inputs: [ValueInfo]

  public init(path: String, model: Model, bindings: [String: Int], inputs: [ValueInfo]) {
    self.path = path
    self.model = model
    self.bindings = bindings
    self.inputs = inputs
  }
}

/// Compiles models for verification, measurement and single runs.
public struct CaseCompiler {
  /// Compiles a request, or throws what is wrong or unsupported.
  public var compile: (CaseRequest) throws(ModelError) -> any RunnableCase

  public init(compile: @escaping (CaseRequest) throws(ModelError) -> any RunnableCase) { self.compile = compile }
}

/// A compiled model in this process.
public protocol RunnableCase {
  /// Runs the model on values in the order of the request's inputs, and returns its outputs in order.
  func run(_ inputs: [HostValue]) throws -> [HostValue]

  /// Runs the model `count` times on the same values without converting them, and returns each run's seconds.
  func time(_ inputs: [HostValue], count: Int) throws -> [Double]
}

extension RunnableCase {
  public func time(_ inputs: [HostValue], count: Int) throws -> [Double] {
    var result: [Double] = []
    for _ in 0..<count {
      let start = monotonicSeconds()
      _ = try run(inputs)
      result.append(monotonicSeconds() - start)
    }
    return result
  }
}
