public import Operators
public import Tuning

/// What the user asks of a compilation beyond the model.
public struct CompileOptions: Hashable, Sendable {
  /// What turns the loops into the output.
  public enum Backend: String, Sendable, CaseIterable { case llvm, c }

  /// What the emitted file is.
  public enum EmitKind: String, Sendable, CaseIterable {
    case object, archive, library, c, llvm, bitcode, assembly

    /// The kind that a file's suffix stands for, without the dot.
    public init?(suffix: String) {
      guard let kind = Self.allCases.first(where: { $0.suffix == suffix }) else { return nil }
      self = kind
    }

    /// Whether a file of this kind holds an object file of LLVM's.
    var isMadeOfObject: Bool {
      switch self {
      case .object, .archive, .library: true
      case .c, .llvm, .bitcode, .assembly: false
      }
    }

    /// The suffix of files of this kind, without the dot.
    public var suffix: String {
      switch self {
      case .object: "o"
      case .archive: "a"
      case .library: "so"
      case .c: "c"
      case .llvm: "ll"
      case .bitcode: "bc"
      case .assembly: "s"
      }
    }
  }

  /// Whether constants are in the output or in a file beside it.
  public enum Weights: String, Sendable, CaseIterable { case embed, separate }

  /// How contractions of `f32` factors may be computed where the processor multiplies `bf16` numbers faster.
  public enum Precision: String, Sendable, CaseIterable {
    /// In `f32` alone.
    case strict
    /// With an error no larger than that of sums in `f32`: three `bf16` parts of each factor, six products.
    case f32
    /// Two parts, three products.
    case fast
    /// Factors rounded to `bf16`.
    case bf16
  }

  /// The target triple; empty for the machine that compiles.
  public var target = ""
  /// The processor; empty for a generic one, `native` for the machine that compiles.
  public var cpu = "native"
  /// Target features to switch, each with `+` or `-`.
  public var features: [String] = []
  /// Sizes for the model's named dimensions.
  public var dims: [String: Int] = [:]
  /// The prefix of all symbols; empty to derive it from the file's name.
  public var name = ""
  /// Operators that C functions of the user compute.
  public var customOperators = CustomOperators()
  /// Files with the code of these functions: C sources, objects, archives and shared libraries.
  public var link: [String] = []
  public var backend = Backend.llvm
  public var precision = Precision.f32
  public var emit = EmitKind.object
  public var weights = Weights.embed
  /// The most threads that the code may use.
  public var threads = 1
  /// Choices that were measured.
  public var tuning = TuningTable()
  /// Passes after which the program is printed.
  public var dumpAfter: [String] = []
  /// The pass after which compilation ends; empty to finish.
  public var stopAfter = ""
  /// Whether the time of each pass is printed.
  public var timePasses = false
  /// Whether code tells the functions of `Measurement` what it does.
  public var isMeasured = false
  /// Whether reports are for machines.
  public var json = false
  /// The file to write; `-` for standard output.
  public var output = ""

  public init() {}
}
