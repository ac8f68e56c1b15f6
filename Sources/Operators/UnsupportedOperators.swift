/// Why operators that cannot be compiled yet cannot, and what to do about it.
private let unsupportedOperators: [String: String] = {
  var reasons: [String: String] = [:]
  for name in ["BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"] {
    reasons[name] = "it is a loop around a decoder; export the decoder alone"
  }
  for name in ["PackedAttention", "PackedMultiHeadAttention", "RemovePadding", "RestorePadding"] {
    reasons[name] = "packed sequences are not supported; export the model with padding"
  }
  for name in ["MatMulFpQ4", "QOrderedMatMul", "ReorderInput", "ReorderOutput"] {
    reasons[name] = "its data are laid out for one processor; save the model with at most extended optimizations"
  }
  return reasons
}()

extension Registry {
  /// What to do about an operator that is not in the registry.
  static func hint(_ domain: String, _ name: String) -> String {
    if !all.contains(where: { $0.name.domain == domain }) { return CustomOperators.hint(domain, name) }
    return unsupportedOperators[name] ?? "see onnxc ops, or give its shape rule with --custom-ops"
  }
}
