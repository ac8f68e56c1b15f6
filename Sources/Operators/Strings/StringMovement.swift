import TensorIR

/// Operators that move strings like any other elements, and operators that ask for nothing but their shape.
enum StringMovement {
  /// Their arguments and results that may be strings become spans into one vector of bytes.
  static let moving: Set<String> = [
    "ArrayFeatureExtractor", "CenterCropPad", "Compress", "Concat", "ConcatFromSequence", "DepthToSpace",
    "DynamicSlice", "Expand", "ExpandDims", "Flatten", "Gather",
    "GatherElements", "GatherND", "Identity", "OneHot", "Pad", "Reshape", "ReverseSequence", "Scatter", "ScatterElements", "ScatterND",
    "SequenceAt", "SequenceErase", "SequenceInsert", "Slice", "SpaceToDepth", "Split", "SplitToSequence", "Squeeze", "TensorScatter",
    "Tile", "Transpose", "Trilu", "Unsqueeze", "Where",
  ]
  static let measuring: Set<String> = ["SequenceLength", "Shape", "Size"]

  /// The arguments with spans in the place of strings, and the bytes that the spans of results refer to.
  ///
  /// Bytes are nil if there are no strings among the arguments.
  static func spans(_ arguments: [ImportedValue?], _ b: inout GraphBuilder) -> ([ImportedValue?], bytes: ValueID?) {
    let strings = arguments.flatMap { $0?.strings ?? [] }
    var merged = b.merged(strings)[...]
    guard let first = merged.first else { return (arguments, nil) }
    return (arguments.map { $0?.replacingStrings { _ in .tensor(merged.removeFirst().spans) } }, first.bytes)
  }
}

extension ImportedValue {
  /// The tensors of strings inside.
  var strings: [ImportedStrings] {
    var found: [ImportedStrings] = []
    _ = replacingStrings {
      found.append($0)
      return .strings($0)
    }
    return found
  }

  /// The same with other values in the place of tensors of strings.
  func replacingStrings(_ replacement: (ImportedStrings) -> ImportedValue) -> ImportedValue {
    switch self {
    case .strings(let strings): replacement(strings)
    case .tensor, .map, .maps: self
    case .sequence(let sequence):
      .sequence(ImportedSequence(sequence.items.map { $0.replacingStrings(replacement) }, length: sequence.length))
    case .optional(let optional):
      .optional(ImportedOptional(optional.value?.replacingStrings(replacement), isPresent: optional.isPresent))
    }
  }

  /// Tensors of spans as strings.
  func asStrings(_ bytes: ValueID) -> ImportedValue {
    switch self {
    case .tensor(let spans): .strings(ImportedStrings(spans: spans, bytes: bytes))
    case .strings, .map, .maps: self
    case .sequence(let sequence):
      .sequence(ImportedSequence(sequence.items.map { $0.asStrings(bytes) }, length: sequence.length))
    case .optional(let optional):
      .optional(ImportedOptional(optional.value?.asStrings(bytes), isPresent: optional.isPresent))
    }
  }
}
