import ONNXReader
import Support
import Verify

/// What the command line asks of the compiler.
public enum Pipeline {
  /// Compiles the model at `path` to `options.output`.
  public static func compile(path: String, options: CompileOptions) throws(ModelError) {
    _ = try Model.load(path: path)
    throw .unsupported("code generation is not available in this build")
  }

  /// Throws everything that would stop the compilation of the model at `path`.
  public static func check(path: String, options: CompileOptions) throws(ModelError) {
    _ = try Model.load(path: path)
  }

  /// Compiles models into this process.
  public static func caseCompiler(options: CompileOptions) -> CaseCompiler {
    CaseCompiler { (_) throws(ModelError) in
      throw .unsupported("code generation is not available in this build")
    }
  }

  /// A line for each supported operator with its versions.
  public static var operators: [String] { [] }
}
