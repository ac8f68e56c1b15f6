import Support

/// How far an output may be from its reference.
public struct Tolerance: Hashable, Sendable {
  /// The allowed difference relative to the reference.
  public var relative: Double
  /// The allowed difference on top of that.
  public var absolute: Double
  /// The allowed mean of all absolute differences, if limited.
  public var mean: Double?
  /// Whether values must be equal.
  public var exact: Bool
  /// Whether the tolerance was stated for this very output, so that it applies to integers too.
  public var stated: Bool

  /// Allows `relative` times the reference plus `absolute`.
  public init(
    relative: Double = 1e-3, absolute: Double = 1e-7, mean: Double? = nil, exact: Bool = false, stated: Bool = false
  ) {
    self.relative = relative
    self.absolute = absolute
    self.mean = mean
    self.exact = exact
    self.stated = stated
  }

  /// What `data.json` says over `fallback`.
  init(_ json: JSON, over fallback: Tolerance, stated: Bool) {
    relative = json["rtol"]?.double ?? fallback.relative
    absolute = json["atol"]?.double ?? fallback.absolute
    mean = json["mean_atol"]?.double ?? fallback.mean
    exact = json["exact"].map { $0 == .bool(true) } ?? fallback.exact
    self.stated = stated
  }
}

/// The tolerances of a case.
struct CaseTolerances {
  private let json: JSON
  private let common: Tolerance

  /// Reads `data.json` in `folder`, which may be absent.
  init(folder: String) throws(FileError) {
    let path = folder + "/data.json"
    guard fileKind(path) == .file else {
      json = .null
      common = Tolerance()
      return
    }
    let text = try InputFile.text(path: path)
    do { json = try JSON(parsing: text) } catch { throw FileError("'\(path)' is malformed: \(error)") }
    common = Tolerance(json, over: Tolerance(), stated: false)
  }

  /// The tolerance of the output at `index` called `name`.
  func tolerance(output index: Int, name: String) -> Tolerance {
    switch json["outputs"] {
    case .array(let items) where index < items.count: Tolerance(items[index], over: common, stated: true)
    case .object(let members):
      members.first { $0.key == name }.map { Tolerance($0.value, over: common, stated: true) } ?? common
    case .array, .null, .bool, .number, .string, nil: common
    }
  }
}
