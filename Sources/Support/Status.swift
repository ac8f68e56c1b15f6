/// Status codes of generated code; the numbers are part of the binary interface.
public enum Status: Int, Sendable, CaseIterable {
  case ok = 0
  case nullArgument = 1
  case indexOutOfRange = 2
  case badDimension = 3
  case outputTooSmall = 4
  case outOfMemory = 5
  case malformedText = 6
  case customOperatorFailed = 7
  case malformedImage = 8
  case unsupportedProcessor = 9

  /// The text that `onnxc_strerror` gives.
  public var text: String {
    switch self {
    case .ok: "success"
    case .nullArgument: "a required pointer is null or misaligned"
    case .indexOutOfRange: "an index in the input data is out of range"
    case .badDimension: "a dimension is negative or disagrees with another"
    case .outputTooSmall: "an output does not fit the space reserved for it"
    case .outOfMemory: "the caller's allocator gave no memory"
    case .malformedText: "a string in the input data is not a number"
    case .customOperatorFailed: "the function of a custom operator returned a status other than 0"
    case .malformedImage: "an image in the input data is damaged or of a kind that is not supported"
    case .unsupportedProcessor: "the model has no code for this processor"
    }
  }
}
