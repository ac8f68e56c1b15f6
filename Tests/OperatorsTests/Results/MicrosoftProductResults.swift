import Verify

/// Fused and quantized products and pools of ONNX Runtime's domain, with results of ONNX Runtime or NumPy.
let microsoftProductResults: [ResultCase] = [
  ResultCase(
    "FusedConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [0.34, -0.04, -0.2, -0.07, 1.02,
    1.31]), Numbers(.f32, [2, 2, 2], [-0.16, -1.03, -1.51, -2.23, -1.18, -0.85, -0.05, -1.88]), Numbers(.f32, [2],
    [1.43, 1.06]), Numbers(.f32, [1, 2, 2], [1.25, -0.51, 0.24, -0.95])], ["activation": .text("LeakyRelu"),
    "activation_params": .floats([0.1])], [Numbers(.f32, [1, 2, 2], [0.4978999, -0.33291, -0.09812999, -0.21866])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "FusedConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [1.55, -1.21, -0.51, 1.42, 2.49,
    -0.09]), Numbers(.f32, [2, 2, 2], [-0.41, -2.51, 1.71, 0.31, -1.88, 0.87, 0.61, -0.35]), Numbers(.f32, [2],
    [-0.56, 0.73]), Numbers(.f32, [1, 2, 2], [0.23, 0.49, 1.23, 1.19])], ["activation": .text("HardSigmoid"),
    "activation_params": .floats([0.3, 0.4])], [Numbers(.f32, [1, 2, 2], [1, 1, 0, 1])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "FusedConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [0.76, 0.59, -1.28, -1.12, 0.82,
    0.65]), Numbers(.f32, [2, 2, 2], [0.52, 0.84, -0.55, 0.56, -0.99, 0.06, 0.93, -0.68]), Numbers(.f32, [2], [1.95,
    1.13]), Numbers(.f32, [1, 2, 2], [1.37, -0.21, -1.39, -0.7])], ["activation": .text("Clip"), "activation_params":
    .floats([-0.5, 0.5])], [Numbers(.f32, [1, 2, 2], [0.5, 0.5, -0.5, 0.08969998])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "FusedConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2, 3], [0.55, -0.28, 0.72, 0.15, -0.59,
    0.93]), Numbers(.f32, [2, 2, 2], [1.35, -0.73, 0.51, 0.16, 0.28, -0.1, -1.25, 1.41]), Numbers(.f32, [2], [-1.04,
    -0.87]), Numbers(.f32, [1, 2, 2], [0.66, 0.18, -0.8, -0.66])], ["activation": .text("HardSwish")], [Numbers(.f32,
    [1, 2, 2], [0.3247336, -0.3461989, -0.2058575, 0.2068197])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "FusedGemm", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [-0.16, -0.44, 0.65, -1.16, 0.36,
    1.53]), Numbers(.f32, [2, 2], [0.2, -0.89, -0.72, 0.04]), Numbers(.f32, [2], [-0.62, 1.23])], ["activation":
    .text("Elu"), "activation_alpha": .float(0.5), "alpha": .float(0.5), "beta": .float(2), "transA": .int(1)],
    [Numbers(.f32, [3, 2], [-0.2837991, 2.508, -0.378367, 2.663, -0.4109847, 2.20135])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "FusedMatMul", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 2, 3], [-1.84, 1.64, -2.02, -0.04, -1.08,
    0.82, -0.77, -1.13, -0.34, -0.41, -1.94, 0.45]), Numbers(.f32, [2, 2, 3], [-2.39, 1.18, -0.33, 0.95, -0.6, -0.79,
    0.65, -0.58, -1.55, -0.09, -1.38, -0.01])], ["alpha": .float(0.5), "transB": .int(1), "transBatchA": .int(1)],
    [Numbers(.f32, [2, 2, 2], [3.4997, -0.5681, 0.3095501, 0.10755, -0.3353, 0.7429, 0.08060001, 1.3548])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "TransposeMatMul", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 2], [1.38, 0.96, 0, -0.17, -0.32,
    -0.64]), Numbers(.f32, [3, 2], [0.36, -0.16, -0.38, 0.27, -2.02, 1.96])], ["transA": .int(1)], [Numbers(.f32, [2,
    2], [1.1432, -0.848, 1.703, -1.4539])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "NhwcFusedConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 3, 2], [0.63, -1.39, 0.12, -1.13, -0.54,
    -0.9]), Numbers(.f32, [2, 2, 2], [1.09, -1.92, -0.35, -1.65, -0.02, -0.32, -1.41, 1.44])], ["activation":
    .text("Relu")], [Numbers(.f32, [1, 2, 2], [2.8073, 0.2816999, 3.0481, 0.4677])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "NhwcConv", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 3, 2], [0.63, -1.39, 0.12, -1.13, -0.54,
    -0.9]), Numbers(.f32, [2, 2, 2], [1.09, -1.92, -0.35, -1.65, -0.02, -0.32, -1.41, 1.44])], [:], [Numbers(.f32,
    [1, 2, 2], [2.8073, 0.2816999, 3.0481, 0.4677])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MatMulNBits", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 16], [1.56, -0.56, 0.52, -0.15, 0.24,
    1.53, -0.27, 1.79, -0.29, -0.09, 1.89, 0.28, -2.03, 0.22, -1.28, -1.66]), Numbers(.u8, [2, 1, 4], [147, 47, 222,
    180, 170, 138, 70, 184]), Numbers(.f32, [2, 1], [0.38, 0.4]), Numbers(.u8, [2, 1], [148, 81])], constants: [1, 2,
    3], ["K": .int(16), "N": .int(2), "bits": .int(2), "block_size": .int(16)], [Numbers(.f32, [1, 2], [1.7518,
    0.42])], tolerance: Tolerance(relative: 0.001, absolute: 0.0001)),
  ResultCase(
    "MatMulNBits", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 16], [-1.31, -2.17, -0.78, 0.84, 1, 0.79,
    -0.18, 0.13, 1.27, -0.87, 0.36, -1.87, 0.68, -0.45, -1.16, 0.77]), Numbers(.u8, [2, 1, 8], [115, 20, 61, 82, 105,
    250, 164, 15, 201, 234, 88, 71, 0, 19, 146, 159]), Numbers(.f32, [2, 1], [0.31, 1.84]), Numbers(.u8, [2, 1],
    [158, 88])], constants: [1, 2, 3], ["K": .int(16), "N": .int(2), "bits": .int(4), "block_size": .int(16)],
    [Numbers(.f32, [1, 2], [-0.5765998, -23.9384])], tolerance: Tolerance(relative: 0.001, absolute: 0.0001)),
  ResultCase(
    "MatMulNBits", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 16], [-0.24, -0.32, -0.9, -0.15, 1.47,
    0.21, -0.93, -0.35, 0.53, 0.09, -0.26, 0.6, 0.36, -1.08, -1.91, 0.5]), Numbers(.u8, [2, 1, 16], [5, 190, 110,
    182, 228, 193, 107, 62, 215, 191, 87, 131, 25, 12, 109, 24, 172, 71, 255, 216, 81, 108, 230, 70, 242, 136, 19,
    84, 40, 78, 187, 50]), Numbers(.f32, [2, 1], [1.68, 0.12]), Numbers(.u8, [2, 1], [52, 146])], constants: [1, 2,
    3], ["K": .int(16), "N": .int(2), "bits": .int(8), "block_size": .int(16)], [Numbers(.f32, [1, 2], [297.2088,
    -34.9344])], tolerance: Tolerance(relative: 0.001, absolute: 0.0001)),
  ResultCase(
    "MatMulNBits", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 32], [-0.02, -0.8, -0.43, 2.13, 0.05,
    -0.34, -0.17, -1.47, 1.34, 0.85, -0.53, 0.23, -0.67, 0.4, -1.34, 0.27, 1.5, 0.45, -0.59, 0.95, 1.95, 0.73, 0.1,
    -0.8, 0.44, 1.92, -2.02, 0.98, 0.15, 1.51, -0.13, -2.16]), Numbers(.u8, [2, 2, 8], [201, 87, 6, 47, 212, 190,
    119, 163, 162, 129, 195, 4, 203, 247, 138, 3, 206, 135, 19, 110, 16, 67, 153, 227, 253, 87, 89, 144, 186, 33, 97,
    13]), Numbers(.f32, [2, 2], [1.04, 0.06, 0.1, 0.34]), nil, Numbers(.i32, [32], [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0,
    1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1])], constants: [1, 2, 4], ["K": .int(32), "N":
    .int(2), "bits": .int(4), "block_size": .int(16)], [Numbers(.f32, [1, 2], [18.6218, 8.9648])], tolerance:
    Tolerance(relative: 0.001, absolute: 0.0001)),
  ResultCase(
    "MatMulBnb4", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 6], [-1.4, 1.23, 0.92, 0.32, 0.08, -0.49]),
    Numbers(.u8, [6], [206, 133, 123, 56, 210, 167]), Numbers(.f32, [1], [0.5])], constants: [1, 2], ["K": .int(6),
    "N": .int(2), "block_size": .int(16), "quant_type": .int(1)], [Numbers(.f32, [1, 2], [0.06037554, 0.5100207])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MatMulBnb4", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 6], [0.69, 0.91, 2.05, 0.71, 0.63, 1]),
    Numbers(.u8, [6], [231, 220, 159, 128, 45, 22]), Numbers(.f32, [1], [0.5])], constants: [1, 2], ["K": .int(6),
    "N": .int(2), "block_size": .int(16), "quant_type": .int(0)], [Numbers(.f32, [1, 2], [-0.701224, 0.5908073])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "GatherBlockQuantized", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 16], [210, 186, 226, 113, 141, 21,
    148, 124, 48, 114, 189, 149, 49, 111, 218, 153, 155, 180, 29, 253, 252, 142, 23, 112, 55, 182, 253, 233, 199, 5,
    221, 9]), Numbers(.i64, [1, 2], [-1, 5]), Numbers(.f32, [2, 2], [-1.48, -0.53, -0.41, 0.4]), Numbers(.u8, [2, 1],
    [89, 24])], constants: [0, 2, 3], ["bits": .int(4), "block_size": .int(16)], [Numbers(.f32, [1, 2, 32], [-1.23,
    -0.41, 1.64, -1.23, -2.05, 2.87, -2.05, -2.87, -1.64, -2.87, -2.46, 0, 0.41, 2.87, 3.28, 0.41, 2.4, 0.8, 2, 4,
    4.8, 5.6, 3.2, 5.2, 2.4, 4.4, 1.6, -0.4, 4.8, 4.8, 3.2, -0.4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "QGemm", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 3], [124, 27, 116, 103, 170, 169]), Numbers(.f32,
    [], [0.03]), Numbers(.u8, [], [120]), Numbers(.i8, [2, 3], [46, 81, -11, 90, -116, -29]), Numbers(.f32, [2],
    [0.02, 0.05]), Numbers(.i8, [2], [3, -4]), Numbers(.i32, [2], [200, -300]), Numbers(.f32, [], [0.4]),
    Numbers(.u8, [], [100])], constants: [3, 4, 5], ["alpha": .float(1.5), "transB": .int(1)], [Numbers(.u8, [2, 2],
    [85, 160, 106, 51])]),
  ResultCase(
    "QLinearAdd", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 5], [87, 250, 9, 35, 132, 171, 11, 59, 7,
    181]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.u8, [5], [102, 120, 178, 7, 120]),
    Numbers(.f32, [], [0.02]), Numbers(.u8, [], [10]), Numbers(.f32, [], [0.04]), Numbers(.u8, [], [128])], [:],
    [Numbers(.u8, [2, 5], [149, 255, 129, 63, 192, 212, 101, 166, 42, 229])]),
  ResultCase(
    "QLinearMul", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 5], [11, 143, 75, 130, 24, 32, 176, 229,
    117, 45]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.u8, [5], [164, 246, 170, 7, 12]),
    Numbers(.f32, [], [0.02]), Numbers(.u8, [], [10]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [128])], [:],
    [Numbers(.u8, [2, 5], [0, 237, 0, 127, 124, 0, 255, 255, 128, 125])]),
  ResultCase(
    "QLinearSigmoid", domain: "com.microsoft", version: 1, [Numbers(.u8, [6], [152, 106, 49, 174, 9, 231]),
    Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.f32, [], [0.01]), Numbers(.u8, [], [5])], [:],
    [Numbers(.u8, [6], [77, 45, 16, 88, 8, 102])]),
  ResultCase(
    "QLinearLeakyRelu", domain: "com.microsoft", version: 1, [Numbers(.u8, [6], [4, 242, 209, 97, 36, 147]),
    Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.f32, [], [0.02]), Numbers(.u8, [], [5])], ["alpha":
    .float(0.2)], [Numbers(.u8, [6], [0, 188, 139, 0, 0, 45])]),
  ResultCase(
    "QLinearGlobalAveragePool", domain: "com.microsoft", version: 1, [Numbers(.u8, [1, 2, 2, 3], [212, 239, 30, 11,
    251, 249, 85, 116, 58, 217, 122, 42]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.f32, [],
    [0.02]), Numbers(.u8, [], [5])], ["channels_last": .int(1)], [Numbers(.u8, [1, 1, 1, 3], [22, 98, 0])]),
  ResultCase(
    "QLinearAveragePool", domain: "com.microsoft", version: 1, [Numbers(.u8, [1, 4, 4, 1], [58, 239, 60, 198, 149,
    167, 231, 44, 255, 112, 18, 149, 118, 102, 53, 228]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]),
    Numbers(.f32, [], [0.02]), Numbers(.u8, [], [127])], ["channels_last": .int(1), "kernel_shape": .ints([3, 2]),
    "pads": .ints([1, 0, 1, 0])], [Numbers(.u8, [1, 4, 3, 1], [177, 208, 147, 192, 154, 122, 173, 118, 128, 167, 54,
    115])]),
  ResultCase(
    "NhwcMaxPool", domain: "com.microsoft", version: 1, [Numbers(.u8, [1, 4, 4, 1], [13, 141, 51, 22, 60, 224, 184,
    79, 240, 43, 107, 164, 18, 206, 81, 74])], ["kernel_shape": .ints([2, 3]), "strides": .ints([2, 1])],
    [Numbers(.u8, [1, 2, 2, 1], [224, 224, 240, 206])]),
  ResultCase(
    "QLinearReduceMean", domain: "com.microsoft", version: 1, [Numbers(.i8, [2, 5], [-25, -4, 3, 119, -126, -15, 38,
    -33, -48, 12]), Numbers(.f32, [], [0.03]), Numbers(.i8, [], [3]), Numbers(.f32, [], [0.02]), Numbers(.i8, [],
    [-4])], ["axes": .ints([1]), "keepdims": .int(0)], [Numbers(.i8, [2], [-18, -22])]),
  ResultCase(
    "QLinearSoftmax", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 4], [136, 181, 131, 164, 40, 8, 46,
    240]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [100]), Numbers(.f32, [], [0.00390625]), Numbers(.u8, [],
    [0])], ["axis": .int(-1), "opset": .int(13)], [Numbers(.u8, [2, 4], [32, 123, 27, 74, 1, 0, 1, 254])]),
  ResultCase(
    "QLinearWhere", domain: "com.microsoft", version: 1, [Numbers(.bool, [3], [1, 0, 1]), Numbers(.u8, [2, 3], [214,
    117, 220, 180, 99, 153]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]), Numbers(.u8, [2, 3], [25, 42, 19,
    254, 2, 201]), Numbers(.f32, [], [0.02]), Numbers(.u8, [], [10]), Numbers(.f32, [], [0.025]), Numbers(.u8, [],
    [64])], [:], [Numbers(.u8, [2, 3], [177, 90, 184, 136, 58, 104])]),
  ResultCase(
    "QLinearConcat", domain: "com.microsoft", version: 1, [Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]),
    Numbers(.u8, [2, 1], [215, 172]), Numbers(.f32, [], [0.02]), Numbers(.u8, [], [100]), Numbers(.u8, [2, 2], [147,
    69, 124, 49]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120])], ["axis": .int(1)], [Numbers(.u8, [2, 3],
    [197, 147, 69, 168, 124, 49])]),
  ResultCase(
    "QLinearConv", domain: "com.microsoft", version: 1, [Numbers(.u8, [1, 3, 3, 2], [27, 22, 241, 142, 178, 54, 17,
    107, 114, 194, 181, 155, 118, 81, 23, 23, 244, 78]), Numbers(.f32, [], [0.03]), Numbers(.u8, [], [120]),
    Numbers(.i8, [2, 2, 2, 2], [-32, -78, -122, 11, -90, -20, -111, -37, 126, -30, 30, -24, -34, -19, 38, -45]),
    Numbers(.f32, [2], [0.02, 0.01]), Numbers(.i8, [2], [0, 0]), Numbers(.f32, [], [0.3]), Numbers(.u8, [], [128]),
    Numbers(.i32, [2], [100, -200])], constants: [3, 4, 5, 8], ["channels_last": .int(1)], [Numbers(.u8, [1, 2, 2,
    2], [154, 109, 94, 141, 149, 119, 155, 114])]),
  ResultCase(
    "MulInteger", domain: "com.microsoft", version: 1, [Numbers(.i8, [3], [-75, 66, 112]), Numbers(.i8, [], [3]),
    Numbers(.i8, [3], [7, 33, -126]), Numbers(.i8, [], [-5])], [:], [Numbers(.i32, [3], [-936, 2394, -13189])]),
  ResultCase(
    "MatMulIntegerToFloat", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 3], [227, 105, 41, 57, 200, 152]),
    Numbers(.i8, [3, 2], [66, 86, -110, 62, -76, -97]), Numbers(.f32, [], [0.03]), Numbers(.f32, [2], [0.02, 0.05]),
    Numbers(.u8, [], [120]), Numbers(.i8, [2], [3, -4]), Numbers(.f32, [2], [0, 0.34])], constants: [1, 3, 5, 6],
    [:], [Numbers(.f32, [2, 2], [8.8062, 24.3205, -9.3222, -4.709])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "DynamicQuantizeMatMul", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [1.19, 2.66, -0.4, -0.88,
    1.06, 0.21]), Numbers(.i8, [3, 2], [-31, -77, -89, -37, 95, 108]), Numbers(.f32, [], [0.03]), Numbers(.i8, [],
    [4]), Numbers(.f32, [2], [-0.2, 0.42])], constants: [1], [:], [Numbers(.f32, [2, 2], [-9.989141, -7.015666,
    -1.656814, 1.897221])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MatMulInteger16", domain: "com.microsoft", version: 1, [Numbers(.i16, [2, 3], [45, -17, 30, -56, 83, 87]),
    Numbers(.i16, [3, 2], [-38, 19, 34, -50, 82, 47])], [:], [Numbers(.i32, [2, 2], [172, 3115, 12084, -1125])]),
  ResultCase(
    "DynamicQuantizeLSTM", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 1, 2], [-1.83, -0.55, -1.94,
    -0.26]), Numbers(.i8, [1, 2, 8], [-65, 83, 50, 52, 16, -62, 114, 7, -104, -125, -72, 88, -44, -72, -121, -50]),
    Numbers(.i8, [1, 2, 8], [22, 100, 103, -78, 29, 45, -103, -114, 4, 18, -90, 69, -122, 17, -34, 126]),
    Numbers(.f32, [1, 16], [1.32, 0.7, -0.69, 0.08, 0.54, -0.12, 1.86, -0.82, -0.71, 0.38, 2.01, -1.81, -0.85, 1.29,
    -0.68, 2.06]), nil, Numbers(.f32, [1, 1, 2], [-0.82, 1.07]), Numbers(.f32, [1, 1, 2], [-0.09, 0.46]), nil,
    Numbers(.f32, [1], [0.01]), Numbers(.i8, [1], [0]), Numbers(.f32, [1], [0.012]), Numbers(.i8, [1], [0])],
    constants: [1, 2, 8, 9, 10, 11], ["hidden_size": .int(2)], [Numbers(.f32, [2, 1, 1, 2], [0.05545016, 0.1198219,
    -0.2933188, 0.04196157]), Numbers(.f32, [1, 1, 2], [-0.2933188, 0.04196157]), Numbers(.f32, [1, 1, 2],
    [-0.5173639, 1.154664])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "QuantizeLinear", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [-1.04, -1.61, 0.78, -0.53, -0.92,
    -1.11]), Numbers(.f32, [3], [0.01, 0.02, 0.5]), Numbers(.u16, [3], [3, 200, 7])], ["axis": .int(1)],
    [Numbers(.u16, [2, 3], [0, 120, 9, 0, 154, 5])]),
  ResultCase(
    "DequantizeLinear", domain: "com.microsoft", version: 1, [Numbers(.i16, [2, 3], [172, 628, 896, -274, 252,
    -100]), Numbers(.f32, [], [0.01]), Numbers(.i16, [], [-3])], [:], [Numbers(.f32, [2, 3], [1.75, 6.31, 8.99,
    -2.71, 2.55, -0.97])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MoE", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-0.54, 1.97, -0.43, -0.01, 0.37, -0.3, -0.69,
    1.28]), Numbers(.f32, [2, 3], [0.32, -0.63, -1.39, -1.16, -1.02, -2.16]), Numbers(.f32, [3, 4, 4], [1.17, 0.1,
    0.54, -1.42, -0.49, -0.24, 0.08, -0.21, -1.24, 1.09, 0.71, 0.07, 1.03, 1.21, 1.39, 0.16, -0.31, -0.48, 0.89,
    -0.7, -0.91, 0.55, 0.52, 0.64, -0.85, 0.3, 0.92, -0.48, -0.27, -0.3, 1.52, 0.9, -1.34, -1.52, 0.65, -0.21, 0.53,
    0.27, 1.01, -1.63, -0.55, 0.25, 0.23, -0.95, -0.53, -0.59, 0.04, 0.7]), Numbers(.f32, [3, 4], [-0.28, -0.15,
    -2.09, -1.06, 1.85, -1.71, 1.36, -0.3, -1.96, 1.46, 1.28, -0.5]), Numbers(.f32, [3, 4, 2], [0.87, -0.36, 0.05,
    0.17, -0.23, 0.52, 0.39, -0.52, 0.3, -0.52, 0.13, -0.5, 0.1, 1.6, -0.65, -1.46, 1.59, 0.29, -0.65, -0.25, -0.91,
    0.94, 0.71, 0.63]), Numbers(.f32, [3, 4], [0.22, -2.05, -1.19, 0.28, -2.65, -0.08, -1.03, 0.63, -0.2, 1.06, 0.34,
    0.11])], constants: [2, 3, 4, 5], ["activation_alpha": .float(1.7), "activation_beta": .float(1),
    "activation_type": .text("swiglu"), "k": .int(2), "swiglu_fusion": .int(1), "swiglu_limit": .float(0.8)],
    [Numbers(.f32, [2, 4], [-0.6341999, -1.299587, -0.8309001, 0.1003389, -1.103881, -0.8283362, -1.003424,
    0.4400265])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MoE", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-0.54, 1.97, -0.43, -0.01, 0.37, -0.3, -0.69,
    1.28]), Numbers(.f32, [2, 3], [0.32, -0.63, -1.39, -1.16, -1.02, -2.16]), Numbers(.f32, [3, 4, 4], [1.17, 0.1,
    0.54, -1.42, -0.49, -0.24, 0.08, -0.21, -1.24, 1.09, 0.71, 0.07, 1.03, 1.21, 1.39, 0.16, -0.31, -0.48, 0.89,
    -0.7, -0.91, 0.55, 0.52, 0.64, -0.85, 0.3, 0.92, -0.48, -0.27, -0.3, 1.52, 0.9, -1.34, -1.52, 0.65, -0.21, 0.53,
    0.27, 1.01, -1.63, -0.55, 0.25, 0.23, -0.95, -0.53, -0.59, 0.04, 0.7]), Numbers(.f32, [3, 4], [-0.28, -0.15,
    -2.09, -1.06, 1.85, -1.71, 1.36, -0.3, -1.96, 1.46, 1.28, -0.5]), Numbers(.f32, [3, 4, 4], [-0.97, 0.63, 2.38,
    -1.71, -1.02, 1.66, 0.51, -0.3, 0.78, 0.33, -0.65, -0.67, 0.86, 0.34, 1.08, 0.65, -0.61, 1.52, -0.92, -0.45,
    -0.78, -1.4, 0.62, -1.05, -0.68, 0.94, 0.87, -0.62, -1.31, -0.1, -1.6, -1.01, -0.39, -0.16, -0.56, -0.15, 1.38,
    0.63, 1.38, 0.9, 0.23, -1.21, -1.34, -0.02, -0.41, -0.93, 0.41, 1.22]), Numbers(.f32, [3, 4], [0.22, -2.05,
    -1.19, 0.28, -2.65, -0.08, -1.03, 0.63, -0.2, 1.06, 0.34, 0.11])], constants: [2, 3, 4, 5], ["k": .int(2),
    "normalize_routing_weights": .int(1)], [Numbers(.f32, [2, 4], [-0.7019315, -1.184476, -1.066022, -0.3710632,
    -1.435762, -1.150213, -1.23871, 0.2085038])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "QMoE", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-0.07, 0.09, -0.55, -0.69, 1.97, -1.26,
    -0.16, -0.45]), Numbers(.f32, [2, 3], [-0.11, 1.05, 0.99, -0.14, 1.12, -0.77]), Numbers(.u8, [3, 2, 2], [251,
    232, 33, 158, 176, 232, 22, 74, 224, 24, 117, 93]), Numbers(.f32, [3, 2], [0.06, 0.31, 1.12, 0.4, 0.84, 1.66]),
    Numbers(.f32, [3, 2], [0.02, -0.21, 0.04, 0.1, -0.2, 0.06]), Numbers(.u8, [3, 4, 1], [237, 209, 231, 14, 246, 10,
    202, 22, 138, 44, 6, 192]), Numbers(.f32, [3, 4], [0.34, 0.39, 0.14, 0.35, 1.86, 0.94, 0.27, 0.96, 1.47, 0.68,
    0.63, 1.11]), Numbers(.f32, [3, 4], [0.54, 0.83, -0.6, -0.56, -0.82, -0.54, -2.31, 1.08, -1.18, 0.57, -1.3,
    0.12])], constants: [2, 3, 4, 5, 6, 7], ["activation_type": .text("silu"), "k": .int(2)], [Numbers(.f32, [2, 4],
    [8.372317, 5.26899, -3.91363, -21.52367, 24.38665, -14.69655, 0.1151384, -12.15475])], tolerance:
    Tolerance(relative: 0.001, absolute: 0.001)),
]
