import Verify

/// Normalizations and activations of ONNX Runtime's domain, with results of ONNX Runtime or, without a CPU kernel,
/// NumPy.
let microsoftNormalizationResults: [ResultCase] = [
  ResultCase(
    "SkipLayerNormalization", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 4], [0.17, -0.07, 0.53,
    0.58, 0.36, -0.97, 0.39, 0.89]), Numbers(.f32, [2, 4], [-0.51, 1.98, -0.23, -0.63, 0.3, -0.26, -1.37, -0.03]),
    Numbers(.f32, [4], [1.6, 2, -0.57, 0.91]), Numbers(.f32, [4], [0.13, 0.28, 1.27, 0.85]), Numbers(.f32, [4],
    [0.15, -0.93, -1.12, -0.06])], ["epsilon": .float(0.001)], [Numbers(.f32, [1, 2, 4], [-0.2526609, 3.412265,
    1.96041, 0.7446911, 1.734907, -1.760193, 1.828158, 1.756592])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "SkipSimplifiedLayerNormalization", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 4], [0.32, 0.5,
    0.78, 0.98, -2.4, 0.9, -1.05, 1.11]), Numbers(.f32, [1, 2, 4], [0.34, 0.63, -0.54, 0.28, -1.87, 1.1, -0.33,
    -2.59]), Numbers(.f32, [4], [1.06, 1.68, -0.88, 1.21]), Numbers(.f32, [4], [-0.75, -2.27, -0.36, 0.33])], [:],
    [Numbers(.f32, [1, 2, 4], [-0.09723819, -1.952102, 0.1076348, 1.96097, -1.955339, -0.1666808, 0.562658,
    -0.5113235])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "SkipLayerNormalization", domain: "com.microsoft", version: 1, [Numbers(.f16, [1, 2, 4], [0.1300049, 0.09997559,
    0.3000488, 0.2199707, -0.2199707, -0.6000977, -0.2700195, -0.3500977]), Numbers(.f16, [1, 2, 4], [-0.3000488,
    -1.099609, -0.5400391, 0.08001709, 0.3100586, -0.05999756, -0.1800537, 0.5297852]), Numbers(.f16, [4],
    [0.8100586, 0.6801758, -1.75, -0.4599609])], [:], [Numbers(.f16, [1, 2, 4], [0.1867676, -1.054688, -0.140625,
    -0.5703125, 0.6865234, -0.8637695, 1.185547, -0.5058594])], tolerance: Tolerance(relative: 0.002, absolute:
    0.002)),
  ResultCase(
    "SimplifiedLayerNormalization", version: 21, [Numbers(.f32, [2, 4], [0.71, 0.52, 0.68, 0.31, -0.85, 1.22, -1.36,
    0.99]), Numbers(.f32, [4], [-0.02, -1.47, -0.4, 1.2])], ["epsilon": .float(0.01)], [Numbers(.f32, [2, 4],
    [-0.02423723, -1.304714, -0.4642625, 0.6349474, 0.01508417, -1.591291, 0.4826934, 1.054117])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "EmbedLayerNormalization", domain: "com.microsoft", version: 1, [Numbers(.i32, [1, 3], [1, 2, 0]), Numbers(.i32,
    [1, 3], [0, 1, 1]), Numbers(.f32, [3, 4], [-0.59, -1.21, -0.29, -0.82, -1.25, 0.44, 0.8, -0.55, 0.52, -0.39,
    -0.1, 0.12]), Numbers(.f32, [4, 4], [1.49, 0.51, -1, 0.52, -0.22, -0.47, -0.84, -0.03, -0.06, -0.4, -1.39, -1.71,
    0.13, 0.18, 2.18, -0.18]), Numbers(.f32, [2, 4], [1.02, 1.2, -0.06, 0.08, -0.43, 1.78, -1.51, -0.04]),
    Numbers(.f32, [4], [1.38, -0.11, -0.57, 0.23]), Numbers(.f32, [4], [0.53, 0.57, 0.28, 0.75]), Numbers(.i32, [1,
    3], [1, 1, 0]), Numbers(.i32, [1, 3], [2, 1, 0])], ["epsilon": .float(1e-6), "mask_index_type": .int(1)],
    [Numbers(.f32, [1, 3, 4], [0.7343043, 0.4152913, 0.3643866, 0.4265182, 0.8315578, 0.4533423, 1.215888, 0.8334587,
    1.341237, 0.4598666, 1.207977, 0.7589618]), Numbers(.i32, [1], [2]), Numbers(.f32, [1, 3, 4], [-0.29, 1.24,
    -0.65, -2.18, -0.13, 0.92, -2.45, 0.05, 0.47, 1.08, -2.8, -0.34])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "QEmbedLayerNormalization", domain: "com.microsoft", version: 1, [Numbers(.i32, [1, 2], [1, 2]), nil,
    Numbers(.u8, [3, 4], [100, 113, 11, 82, 2, 71, 125, 124, 47, 104, 94, 67]), Numbers(.u8, [4, 4], [196, 18, 7,
    249, 154, 146, 137, 86, 85, 215, 93, 124, 231, 213, 71, 42]), nil, Numbers(.u8, [4], [249, 37, 132, 60]),
    Numbers(.u8, [4], [200, 220, 172, 195]), nil, Numbers(.f32, [], [0.01]), Numbers(.f32, [], [0.02]), nil,
    Numbers(.f32, [], [0.01]), Numbers(.f32, [], [0.02]), Numbers(.u8, [], [100]), Numbers(.u8, [], [110]), nil,
    Numbers(.u8, [], [120]), Numbers(.u8, [], [130])], [:], [Numbers(.f32, [1, 2, 4], [1.884514, 2.628002, 0.7386617,
    0.4201083, 1.733888, 1.01692, 0.8971092, 2.306925]), Numbers(.i32, [1], [0])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "GroupNorm", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 2, 4], [1.21, 1.11, 0.41, -0.26, 1.76,
    -1.67, 0.98, 0.51, 0.59, 0.27, 0.21, 0.93, -1.15, -1.25, 0.16, 0.05]), Numbers(.f32, [4], [0.16, 1.59, -0.58,
    0.75]), Numbers(.f32, [4], [0.38, 2.37, -1.4, -0.55])], ["activation": .int(1), "groups": .int(2)],
    [Numbers(.f32, [1, 2, 2, 4], [0.3299536, 3.590682, -0.2754139, -0.2597899, 0.3855102, 0.02076963, -0.2115198,
    -0.1255872, 0.2700729, 2.399545, -0.2769142, 0.3072819, 0.1184836, 0.380134, -0.2742435, -0.2767981])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "SkipGroupNorm", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 4, 2, 1], [-0.46, 1.32, -0.82, 1.66,
    1.6, 0.87, 0.44, -1.56]), Numbers(.f32, [4], [0.16, 1.59, -0.58, 0.75]), Numbers(.f32, [4], [0.38, 2.37, -1.4,
    -0.55]), Numbers(.f32, [1, 4], [0.18, -1.43, -0.36, 0.2]), Numbers(.f32, [4], [-0.31, 0.95, -0.13, -1.55])],
    ["activation": .int(0), "channels_last": .int(0), "groups": .int(2)], [Numbers(.f32, [1, 4, 2, 1], [0.2761793,
    0.5364622, 0.3065629, 3.910312, -2.043255, -1.76581, -0.7109531, -1.693872]), Numbers(.f32, [1, 4, 2, 1], [-0.59,
    1.19, -1.3, 1.18, 1.11, 0.38, -0.91, -2.91])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BiasGelu", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [-1.06, -1.27, -0.32, 1.25, 0.51, 0.34]),
    Numbers(.f32, [3], [-1.29, 2.37, -0.03])], [:], [Numbers(.f32, [2, 3], [-0.02205879, 0.9507672, -0.1271093,
    -0.01936184, 2.874273, 0.1927331])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "FastGelu", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [2.42, -0.87, -0.57, 2.6, -1.07, 0.42]),
    Numbers(.f32, [3], [-0.34, -0.81, 2.16])], [:], [Numbers(.f32, [2, 3], [2.041141, -0.07822855, 1.500903,
    2.233393, -0.05650534, 2.567717])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "QuickGelu", domain: "com.microsoft", version: 1, [Numbers(.f32, [4], [-1, 0.9, 1.1, -1.01])], ["alpha":
    .float(1.2)], [Numbers(.f32, [4], [-0.2314752, 0.6718446, 0.8680999, -0.2316408])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BiasSplitGelu", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-1.9, -1.78, -0.8, 0.22, 0.34,
    -0.19, -0.11, 0.97]), Numbers(.f32, [4], [0.77, 0.38, -0.62, 0.78])], [:], [Numbers(.f32, [2, 2], [0.124844,
    -1.177883, -0.1885528, 0.3191803])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BiasAdd", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [0.18, -0.75, -0.58, 1.23, 1.85, -0.53]),
    Numbers(.f32, [3], [-2.08, 0.59, -0.9]), Numbers(.f32, [2, 3], [0.73, -0.38, 2.23, 0.11, 0.9, -1.22])], [:],
    [Numbers(.f32, [2, 3], [-1.17, -0.54, 0.75, -0.7399999, 3.34, -2.65])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "BranchwiseRMSNorm", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 6], [-2.82, 0.14, 0.26, 0.72, -0.55,
    -1.29, -1.6, 0.55, 0.71, -0.88, -0.53, -0.73]), Numbers(.f32, [2, 3], [-1.9, 0.2, 0.85, -0.22, -1.42, -0.2])],
    ["num_branches": .int(2)], [Numbers(.f32, [2, 6], [3.272995, 0.01710412, 0.1350003, -0.1740404, 0.8581157,
    0.2834749, 2.8697, 0.1038378, 0.5696921, 0.2660782, 1.034351, 0.2006582])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "HyperConnectionPreMix", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 2, 3], [1.36, 2.13, 0.27, -0.79,
    -1.99, -1.55, -0.09, 0.23, 0.26, -0.26, -1.54, -1.58]), Numbers(.f32, [2, 2], [0.15, -0.82, 1.3, -1.46])],
    ["reduction_scale": .float(0.5)], [Numbers(.f32, [2, 3], [0.4259, 0.97565, 0.65575, 0.1313, 1.2737, 1.3224])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "HyperConnectionPostMix", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [1.69, -0.67, 0.22,
    0.22, -0.34, -2.01]), Numbers(.f32, [1, 3], [-0.48, 1.52, -1.28]), Numbers(.f32, [1, 2], [-1.84, -0.22]),
    Numbers(.f32, [1, 2, 2], [-0.41, -1.29, -0.75, -0.48])], [:], [Numbers(.f32, [1, 2, 3], [0.02529997, -2.2671,
    3.7725, -2.1801, 0.6931, 0.9626])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "EngramGate", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 2, 3], [-0.41, 0.16, 0.71, 0.39, 0.34,
    1.68]), Numbers(.f32, [1, 1, 2, 3], [1.1, -2.91, -0.36, -1.58, -0.69, 0.77]), Numbers(.f32, [1, 1, 3], [-0.2,
    -0.43, 1.32]), Numbers(.f32, [2, 3], [-1.5, -0.09, 0.55, 0.02, -1.16, -0.02]), Numbers(.f32, [2, 3], [0.81, 0.36,
    0.32, 0.31, 0.14, -1.24]), Numbers(.f32, [2, 3], [-0.31, 0.43, -3.11, 0.76, 0.34, -1.08])], [:], [Numbers(.f32,
    [1, 1, 2, 3], [-0.1284736, -0.2762182, 0.8479257, -0.1092775, -0.2349466, 0.7212315]), Numbers(.f32, [1, 1, 2,
    3], [0.07656124, -0.2283254, -5.069343, -0.1876972, -0.1805351, -1.760402])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "GatedRMSNorm", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-0.75, -0.2, 0.41, -0.37, 1.17,
    0.41, -0.79, -0.47]), Numbers(.f32, [2], [0.23, 0.73]), Numbers(.f32, [2, 4], [0.68, -0.1, 0.15, -0.03, 0.82,
    -0.99, 0.6, -1.85])], ["activation": .text("sigmoid")], [Numbers(.f32, [2, 4], [-0.2086006, -0.1263557, 0.129773,
    -0.3406294, 0.2131063, 0.09249332, -0.1804836, -0.07171914])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "LinearAttentionGate", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 2], [0.45, 0.26, 0, -2.13]),
    Numbers(.f32, [2], [1.57, 0.9]), Numbers(.f32, [2], [0.03, 0.46]), Numbers(.f32, [1, 2, 2], [-0.94, 0.51, 1.56,
    -1.18])], [:], [Numbers(.f32, [1, 2, 2], [0.06433695, 0.659035, 0.0527701, 0.1179522]), Numbers(.f32, [1, 2, 2],
    [0.2809004, 0.6248065, 0.8263534, 0.2350522])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "ScaledSiLU", domain: "com.microsoft", version: 1, [Numbers(.f32, [4], [2.69, -0.44, 0.83, -0.83])], ["alpha":
    .float(1.5)], [Numbers(.f32, [4], [3.964878, -0.2248881, 0.9666592, -0.2783407])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "GatedAdd", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [0.39, -1.27, -0.66, -0.23, -0.66,
    -0.24]), Numbers(.f32, [2, 3], [0.98, -1.28, -1.2, 0.05, -0.56, -1]), Numbers(.f32, [2, 1], [0.13, -0.56])], [:],
    [Numbers(.f32, [2, 3], [0.5174, -1.4364, -0.816, -0.258, -0.3464, 0.32])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
]
