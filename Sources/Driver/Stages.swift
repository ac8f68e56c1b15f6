import Glibc
import LoopIR
import Support
import TensorIR
import Verify

/// Wraps every stage of the pipeline: times it, dumps its result, verifies it, and knows where to stop.
struct Stages {
  private let options: CompileOptions
  private let observe: (String, () -> String) -> Void

  /// `observe` is given every stage's name and its result's text.
  init(_ options: CompileOptions, observe: @escaping (String, () -> String) -> Void = { _, _ in }) {
    self.options = options
    self.observe = observe
  }

  func run<Result, Failure: Error>(_ name: String, _ body: () throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    guard options.timePasses else { return try body() }
    let start = monotonicSeconds()
    let result = try body()
    let milliseconds = (monotonicSeconds() - start) * 1000
    StandardError.print("\(name): \(Double(Int(milliseconds * 100)) / 100) ms")
    return result
  }

  /// Dumps and verifies a graph; true if the pipeline ends here.
  func ends(_ name: String, _ graph: Graph) throws(ModelError) -> Bool {
    observe(name) { graph.description }
    if options.dumpAfter.contains(name) { print(graph.description) }
    #if DEBUG
      do throws(VerificationError) { try verify(graph) } catch {
        fatalError("after \(name): \(error)\n\(graph.description)")
      }
    #endif
    return options.stopAfter == name
  }

  /// Dumps and verifies a program; true if the pipeline ends here.
  func ends(_ name: String, _ program: Program) -> Bool {
    observe(name) { program.description }
    if options.dumpAfter.contains(name) { print(program.description) }
    #if DEBUG
      do throws(LoopVerificationError) { try verify(program) } catch {
        fatalError("after \(name): \(error)\n\(program)")
      }
    #endif
    return options.stopAfter == name
  }
}
