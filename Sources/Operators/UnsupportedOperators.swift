/// Why operators that cannot be compiled yet cannot, and what to do about it.
let unsupportedOperators: [String: String] = {
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
  reasons["ImageDecoder"] = "images are not decoded; pass pixels as an input"
  return reasons
}()
