import Support
import Verify

/// Operators of ONNX Runtime that few models have, as version 1.31.1 computes them; then ties among experts, windows
/// that reach behind the padding, and NaN in a gate.
let microsoftRareResults: [ResultCase] = [
  ResultCase(
    "Unique", domain: "com.microsoft", version: 1, [Numbers(.f32, [9], [2, 1, 1, .nan, -0, 3, 0, 2, .nan])], [:],
    [Numbers(.f32, [6], [2, 1, .nan, -0, 3, .nan]), Numbers(.i64, [9], [0, 1, 1, 2, 3, 4, 3, 0, 5]), Numbers(.i64,
    [6], [2, 2, 1, 2, 1, 1])]),
  ResultCase(
    "Unique", domain: "com.microsoft", version: 1, [Numbers(.f32, [0], [])], [:], [Numbers(.f32, [0], []),
    Numbers(.i64, [0], []), Numbers(.i64, [0], [])]),
  ResultCase(
    "DynamicTimeWarping", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 4], [1, 3, 2, 0, 2, 0, 1, 1, 0, 2,
    1, 3])], [:], [Numbers(.i32, [2, 4], [0, 1, 2, 2, 0, 1, 2, 3])]),
  ResultCase(
    "DynamicTimeWarping", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [0, 0, 0, 0, 0, 0])], [:],
    [Numbers(.i32, [2, 4], [0, 1, 1, 1, 0, 0, 1, 2])]),
  ResultCase(
    "BifurcationDetector", domain: "com.microsoft", version: 1, [Numbers(.i64, [6], [1, 2, 3, 1, 2, 4]),
    Numbers(.i64, [2], [3, 1]), Numbers(.i64, [1], [3]), Numbers(.i64, [4], [1, 2, 9, 5])], [:], [Numbers(.i64, [5],
    [3, 1, 1, 2, 9]), Numbers(.i64, [1], [-1])]),
  ResultCase(
    "BifurcationDetector", domain: "com.microsoft", version: 1, [Numbers(.i64, [4], [1, 2, 3, 4]), Numbers(.i64, [2],
    [9, 2]), Numbers(.i64, [], [0])], ["min_ngram_size": .int(2)], [Numbers(.i64, [2], [9, 2]), Numbers(.i64, [],
    [-1])]),
  ResultCase(
    "MatMulFpQ4", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [0, 1, 2, 3, 4, 5]), Numbers(.u8, [42],
    [0, 0, 0, 63, 7, 171, 206, 5, 206, 120, 131, 161, 73, 250, 13, 71, 98, 146, 104, 33, 11, 0, 0, 128, 190, 250, 0,
    12, 38, 255, 48, 167, 192, 60, 72, 111, 67, 249, 45, 229, 204, 216]), Numbers(.i64, [2], [3, 2])], [:],
    [Numbers(.f32, [2, 2], [1.5, -10.5, 15, -37.5])]),
  ResultCase(
    "MatMulFpQ4", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 33], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), Numbers(.u8, [40], [0, 0, 0, 63, 29, 100, 160,
    126, 170, 173, 169, 15, 245, 142, 231, 69, 92, 225, 47, 16, 0, 0, 128, 190, 95, 173, 31, 222, 87, 58, 139, 229,
    226, 223, 78, 4, 199, 181, 197, 0]), Numbers(.i64, [2], [33, 1])], ["blk_quant_type": .int(0)], [Numbers(.f32,
    [1, 1], [-2.75])]),
  ResultCase(
    "AttnLSTM", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 2, 1], [0.007, -0.127, -0.593, -0.35, 0.612,
    -0.367]), Numbers(.f32, [2, 8, 3], [-0.702, 0.397, -0.103, 0.598, -0.529, -0.36, 0.6, 0.014, 0.013, -0.528,
    -0.971, 0.866, -0.828, 0.69, -0.264, 0.902, -0.201, 0.873, 0.112, -0.52, 0.483, 0.349, 0.368, -0.072, -0.556,
    0.282, -0.786, 0.384, 0.271, -0.247, 0.597, -0.612, -0.219, 0.596, -0.239, 0.427, 0.225, 0.882, 0.983, 0.447,
    0.618, -0.694, 0.426, 0.695, -0.198, 0.107, -0.041, 0.917]), Numbers(.f32, [2, 8, 2], [-0.365, -0.196, -0.998,
    -0.16, 0.263, 0.87, 0.847, -0.345, 0.978, -0.625, 0.647, -0.685, -0.19, -0.853, 0.716, 0.658, -0.72, 0.054,
    -0.484, -0.016, 0.106, -0.787, 0.729, -0.443, -0.106, -0.885, -0.995, -0.61, -0.317, 0.856, 0.779, -0.039]),
    Numbers(.f32, [2, 16], [-0.09, 0.334, 0.718, -0.325, 0.587, -0.202, 0.188, 0.475, 0.003, 0.382, 0.395, -0.989,
    -0.922, -0.702, -0.573, -0.594, -0.902, -0.566, 0.202, 0.772, -0.301, -0.267, -0.167, 0.361, 0.571, 0.882,
    -0.249, 0.414, -0.317, 0.648, -0.539, 0.742]), Numbers(.i32, [2], [3, 2]), nil, Numbers(.f32, [2, 2, 2], [0.01,
    0.451, 0.07, -0.368, -0.011, -0.899, -0.914, 0.06]), nil, Numbers(.f32, [2, 2, 2], [-0.046, 0.666, -0.96, 0.114,
    -0.019, 0.196, 0.459, 0.049]), Numbers(.f32, [2, 1, 2], [0.126, -0.016, 0.23, -0.504]), Numbers(.f32, [2, 2],
    [0.105, 0.345, -0.618, 0.981]), Numbers(.f32, [2, 3, 1], [0.493, 0.911, -0.412, -0.113, -0.477, -0.907]),
    Numbers(.i32, [2], [2, 3]), Numbers(.f32, [2, 3, 2], [-0.967, -0.507, 0.723, -0.673, 0.379, -0.501, -0.869,
    -0.615, 0.356, 0.003, 0.098, -0.094])], ["direction": .text("bidirectional"), "hidden_size": .int(2)],
    [Numbers(.f32, [3, 2, 2, 2], [-0.1273185, 0.0110837, -0.1162926, -0.0448385, -0.1055781, 0.4293127, -0.1230309,
    0.4399061, -0.3223196, -0.0197037, -0.0996619, -0.0920599, -0.1580535, 0.2372133, -0.2426622, 0.3142173,
    -0.3202971, 0.0008801, 0, 0, -0.0836911, -0.0568298, 0, 0]), Numbers(.f32, [2, 2, 2], [-0.3202971, 0.0008801,
    -0.0996619, -0.0920599, -0.1055781, 0.4293127, -0.1230309, 0.4399061]), Numbers(.f32, [2, 2, 2], [-0.4243197,
    0.0127576, -0.1438307, -0.3091681, -0.2746005, 0.6949557, -0.3633052, 0.7484835])], tolerance:
    Tolerance(relative: 1e-5, absolute: 1e-6)),
  ResultCase(
    "AttnLSTM", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 1, 2], [-0.451, -0.023, 0.845, -0.597]),
    Numbers(.f32, [1, 4, 4], [0.465, -0.498, -0.613, -0.352, -0.814, 0.871, -0.27, -0.648, -1, -0.879, -0.571,
    -0.165, 0.203, 0.962, 0.781, -0.515]), Numbers(.f32, [1, 4, 1], [0.223, 0.843, -0.797, 0.708]), nil, nil, nil,
    nil, nil, Numbers(.f32, [1, 1, 1], [-0.208]), Numbers(.f32, [1, 2, 1], [0.563, -0.355]), Numbers(.f32, [1, 1],
    [0.251]), Numbers(.f32, [1, 2, 2], [0.014, -0.791, 0.52, 0.646])], ["direction": .text("reverse"), "hidden_size":
    .int(1)], [Numbers(.f32, [2, 1, 1, 1], [-0.0634591, -0.0573541]), Numbers(.f32, [1, 1, 1], [-0.0634591]),
    Numbers(.f32, [1, 1, 1], [-0.1114916])], tolerance: Tolerance(relative: 1e-5, absolute: 1e-6)),
  ResultCase(
    "VarlenNGramHashMapping", domain: "com.microsoft", version: 1, [Numbers(.i64, [6], [5, 7, 9, 2, 5, 5]),
    Numbers(.i64, [3], [3, 1000003, 77]), Numbers(.i64, [2], [11, 13]), Numbers(.i32, [3], [0, 4, 6]), Numbers(.i64,
    [2, 2], [1, 2, 3, 4]), Numbers(.i64, [2], [0, 100]), Numbers(.i64, [], [2]), Numbers(.i32, [6], [0, 0, 1, 1, 1,
    1]), Numbers(.i32, [2, 2], [0, 0, 1, 1]), Numbers(.i32, [2], [3, 1])], ["max_ngram_size": .int(3),
    "n_head_per_ngram": .int(1), "pad_id": .int(8), "reset_on_eos": .int(1), "state_update_capacity": .int(2)],
    [Numbers(.i64, [6, 2], [0, 110, 9, 103, 9, 111, 5, 101, 7, 111, 5, 109]), Numbers(.i64, [2, 2], [9, 2, 5, 5]),
    Numbers(.i32, [2, 2], [1, 1, 1, 1]), Numbers(.i64, [2, 2, 2], [2, 5, 5, 7, 4, 5, 8, 8])]),
  ResultCase(
    "VarlenNGramHashMapping", domain: "com.microsoft", version: 1, [Numbers(.i32, [3], [5, 7, 9]), Numbers(.i32, [2],
    [3, 2000000011]), Numbers(.i32, [2], [11, 13]), Numbers(.i32, [3], [0, 1, 3])], ["max_ngram_size": .int(2),
    "n_head_per_ngram": .int(2), "pad_id": .int(8)], [Numbers(.i32, [3, 2], [0, 9, 1, 12, 5, 6]), Numbers(.i32, [2,
    1], [5, 9])]),
  ResultCase(
    "NGramHashMapping", domain: "com.microsoft", version: 1, [Numbers(.i64, [2, 4], [5, 2, 9, 4, 1, 1, 2, 3]),
    Numbers(.i64, [3], [3, 1000003, 77]), Numbers(.i64, [2], [11, 13]), nil, nil, Numbers(.i64, [], [2]),
    Numbers(.i32, [2, 4], [0, 0, 1, 1, 0, 0, 0, 0])], ["max_ngram_size": .int(3), "n_head_per_ngram": .int(1),
    "pad_id": .int(8), "reset_on_eos": .int(1)], [Numbers(.i64, [2, 4, 2], [0, 10, 3, 9, 9, 11, 10, 7, 7, 9, 1, 12,
    6, 10, 6, 12]), Numbers(.i64, [2, 2], [9, 4, 2, 3])]),
  ResultCase(
    "MoE", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 1], [1, 2]), Numbers(.f32, [2, 3], [1, 1, 0, 2, 0,
    2]), Numbers(.f32, [3, 1, 1], [1, 1, 1]), nil, Numbers(.f32, [3, 1, 1], [1, 10, 100])], ["k": .int(1),
    "activation_type": .text("identity")], [Numbers(.f32, [2, 1], [4.2231884, 93.6621017])], tolerance:
    Tolerance(relative: 1e-5, absolute: 1e-6)),
  ResultCase(
    "QLinearAveragePool", domain: "com.microsoft", version: 1, [Numbers(.i8, [1, 1, 1, 6], [40, 80, 120, 100, 60,
    20]), Numbers(.f32, [], [1]), Numbers(.i8, [], [0]), Numbers(.f32, [], [1]), Numbers(.i8, [], [0])],
    ["kernel_shape": .ints([1, 3]), "strides": .ints([1, 2]), "ceil_mode": .int(1), "count_include_pad": .int(1)],
    [Numbers(.i8, [1, 1, 1, 3], [80, 93, 27])]),
  ResultCase(
    "EngramGate", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 2, 2], [1, 1, 1, 1]), Numbers(.f32, [1,
    1, 2, 2], [1, 1, 1, 1]), Numbers(.f32, [1, 1, 2], [1, 2]), Numbers(.f32, [2, 2], [1, 1, .nan, 1]), Numbers(.f32,
    [2, 2], [1, 1, 1, 1])], [:], [Numbers(.f32, [1, 1, 2, 2], [0.7665982, 1.5331963, .nan, .nan])], tolerance:
    Tolerance(relative: 1e-5, absolute: 1e-6)),
]
