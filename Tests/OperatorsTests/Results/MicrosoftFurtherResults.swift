import Verify

/// Further operators of ONNX Runtime, with its results or, without a CPU kernel, NumPy's.
let microsoftFurtherResults: [ResultCase] = [
  ResultCase(
    "GridSample", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 3, 3], [-1.19, -0.02, -1.6, -0.59, 0.66,
    0.21, 0.17, -0.86, -2.2]), Numbers(.f32, [1, 1, 2, 2], [-1.1, 0.2, 0.7, 1.3])], ["mode": .text("nearest"),
    "padding_mode": .text("border")], [Numbers(.f32, [1, 1, 1, 2], [-0.59, -2.2])], tolerance: Tolerance(relative:
    0.001, absolute: 1e-5)),
  ResultCase(
    "GridSample", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 3, 3], [-0.89, -0.51, 1.48, 0.57, 0.32,
    -0.58, -0.73, 0.64, -0.37]), Numbers(.f32, [1, 1, 2, 2], [-1.1, 0.2, 0.7, 1.3])], ["mode": .text("bicubic"),
    "padding_mode": .text("border")], [Numbers(.f32, [1, 1, 1, 2], [0.3603514, -0.4038147])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "GatherND", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [-0.34, 1.92, -0.98, -0.28, -0.25,
    -0.65]), Numbers(.i32, [2, 2], [1, -1, 0, 2])], [:], [Numbers(.f32, [2], [-0.65, -0.98])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Pad", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 2], [-1.41, 1.27, -1.41, -0.91]), Numbers(.i64,
    [1, 4], [1, 0, 0, 1])], constants: [1], ["mode": .text("edge")], [Numbers(.f32, [3, 3], [-1.41, 1.27, 1.27,
    -1.41, 1.27, 1.27, -1.41, -0.91, -0.91])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Range", domain: "com.microsoft", version: 1, [Numbers(.f32, [], [2]), Numbers(.f32, [], [4])], constants: [0,
    1], [:], [Numbers(.f32, [2], [2, 3])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Trilu", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 3], [0.26, -1.24, -0.16, -0.26, -0.24, -0.14,
    -1.41, -0.55, 1.28])], ["upper": .int(0)], [Numbers(.f32, [3, 3], [0.26, 0, 0, -0.26, -0.24, 0, -1.41, -0.55,
    1.28])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "ExpandDims", domain: "com.microsoft", version: 1, [Numbers(.f32, [2], [1.16, -0.58]), Numbers(.i32, [], [-1])],
    constants: [1], [:], [Numbers(.f32, [2, 1], [1.16, -0.58])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "UnfoldTensor", domain: "com.microsoft", version: 1, [Numbers(.f32, [5], [1.08, -0.94, -1.36, -2.02, -1.11])],
    ["size": .int(3), "step": .int(2)], [Numbers(.f32, [2, 3], [1.08, -0.94, -1.36, -1.36, -2.02, -1.11])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "SampleOp", domain: "com.microsoft", version: 1, [Numbers(.f32, [2], [0.46, -0.33])], [:], [Numbers(.f32, [2],
    [0.46, -0.33])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "TorchEmbedding", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 2], [1.66, 0.84, -0.35, -0.22, -0.22,
    1]), Numbers(.i64, [2], [2, 0])], [:], [Numbers(.f32, [2, 2], [-0.22, 1, 1.66, 0.84])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BiasDropout", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2], [-0.38, -0.01]), Numbers(.f32, [2],
    [-0.74, 1.3]), Numbers(.f32, [1, 2], [-0.35, -0.65])], [:], [Numbers(.f32, [1, 2], [-1.47, 0.64]), Numbers(.bool,
    [1, 2], [1, 1])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BitmaskDropout", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 2], [-0.38, -0.01])], [:],
    [Numbers(.f32, [1, 2], [-0.38, -0.01]), Numbers(.u32, [1], [4294967295])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "ReduceSumInteger", domain: "com.microsoft", version: 1, [Numbers(.u8, [2, 2], [200, 100, 1, 2])], ["axes":
    .ints([1]), "keepdims": .int(0)], [Numbers(.u32, [2], [300, 3])]),
  ResultCase(
    "IsAllFinite", domain: "com.microsoft", version: 1, [Numbers(.f32, [2], [1, .infinity]), Numbers(.f32, [1],
    [2])], [:], [Numbers(.bool, [], [0])]),
  ResultCase(
    "IsAllFinite", domain: "com.microsoft", version: 1, [Numbers(.f32, [2], [1, .infinity]), Numbers(.f32, [1],
    [2])], ["isnan_only": .int(1)], [Numbers(.bool, [], [1])]),
  ResultCase(
    "ComplexMulConj", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 2], [-1.52, 0.97, -0.59, -0.07]),
    Numbers(.f32, [1, 2], [-0.41, -0.19])], [:], [Numbers(.f32, [2, 2], [0.4389, -0.6865, 0.2552, -0.0834])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Rfft", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 6], [-1.98, -0.78, -1.08, 2.18, 1.35, 0.44])],
    ["signal_ndim": .int(1)], [Numbers(.f32, [1, 4, 2], [0.1300001, 0, -4.465, 3.160993, 0.235, -1.047891, -3.55,
    0])], tolerance: Tolerance(relative: 0.001, absolute: 0.0001)),
  ResultCase(
    "Irfft", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 4, 2], [1.34, 0, 4.92, 0.225, 1.13, -2.563, 1.5,
    0])], ["signal_ndim": .int(1)], [Numbers(.f32, [1, 6], [2.49, 1.279922, -1.339826, -1.29, 0.2698263,
    -0.06992253])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Inverse", domain: "com.microsoft", version: 1, [Numbers(.f32, [3, 3], [0, 2, 1, 1, 0, 0, 3, 0, 1])], [:],
    [Numbers(.f32, [3, 3], [0, 1, 0, 0.5, 1.5, -0.5, 0, -3, 1])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "NGramRepeatBlock", domain: "com.microsoft", version: 1, [Numbers(.i64, [1, 5], [1, 2, 3, 1, 2]), Numbers(.f32,
    [1, 5], [0.21, -0.82, 1.85, -0.35, 1.12])], ["ngram_size": .int(3)], [Numbers(.f32, [1, 5], [0.21, -0.82, 1.85,
    -.infinity, 1.12])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "CDist", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [1.46, -0.59, 0.58, 1.59, 1.46, 0.75]),
    Numbers(.f32, [1, 3], [0.44, 0.08, 1.27])], ["metric": .text("euclidean")], [Numbers(.f32, [2, 1], [1.401927,
    1.870107])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MurmurHash3", domain: "com.microsoft", version: 1, [Numbers(.i32, [3], [3, -7, 12])], ["seed": .int(42)],
    [Numbers(.u32, [3], [2471885347, 2676807551, 3975868320])]),
  ResultCase(
    "MurmurHash3", domain: "com.microsoft", version: 1, [Numbers(.f64, [3], [3, -7, 12])], ["seed": .int(42)],
    [Numbers(.u32, [3], [1075969934, 3347304591, 221318992])]),
  ResultCase(
    "MurmurHash3", domain: "com.microsoft", version: 1, [Numbers(.i64, [2], [3, -7])], ["positive": .int(0)],
    [Numbers(.i32, [2], [-1556392013, -1703207563])]),
  ResultCase(
    "CropAndResize", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 3, 4], [0.58, 0.12, -0.47, -1.35,
    -0.17, 1.86, -0.48, -0.64, -0.24, -0.21, -0.56, 0.64]), Numbers(.f32, [1, 4], [0.1, 0.2, 0.8, 1.1]),
    Numbers(.i32, [1], [0]), Numbers(.i32, [2], [2, 3])], constants: [3], ["extrapolation_value": .float(9)],
    [Numbers(.f32, [1, 1, 2, 3], [0.4528, -0.425, 9, 0.286, -0.4707, 9])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "CropAndResize", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 3, 4], [0.33, 1.18, 0.6, 0.19, -2.1,
    0.2, -0.65, 1.08, 0.07, -0.76, -0.54, -1.2]), Numbers(.f32, [1, 4], [0.1, 0.2, 0.8, 0.9]), Numbers(.i32, [1],
    [0]), Numbers(.i32, [2], [2, 1])], ["mode": .text("nearest")], [Numbers(.f32, [1, 1, 2, 1], [0.6, -0.54])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "BiasSoftmax", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 4], [-0.55, 0.32, 1.18, 0.52, 0.81, 0.89,
    -0.32, 1.45]), Numbers(.f32, [4], [-1.35, 0.12, -0.53, -1.97])], ["axis": .int(1), "is_inner_broadcast":
    .int(1)], [Numbers(.f32, [2, 4], [0.03882491, 0.4030507, 0.4972348, 0.0608896, 0.1339564, 0.6311313, 0.09824988,
    0.1366624])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "MaxpoolWithMask", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 6], [1.66, -2, 0.69, 1.79, -0.2,
    -0.12]), Numbers(.i32, [1, 1, 6], [1, 0, 1, 1, 1, 0])], ["kernel_shape": .ints([3]), "pads": .ints([1, 1])],
    [Numbers(.f32, [1, 1, 6], [1.66, 1.66, -3.402823e38, 1.79, 1.79, -0.2])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "WordConvEmbedding", domain: "com.microsoft", version: 1, [Numbers(.i32, [2, 4], [3, 1, 0, 0, 2, 1, 3, 1]),
    Numbers(.f32, [2, 1, 2, 2], [-1.9, -0.25, 1.45, -0.52, -0.97, -2.32, 1.29, 0.41]), Numbers(.f32, [2], [-0.3,
    1.04]), Numbers(.f32, [4, 2], [-0.53, -0.33, 2.12, -0.9, 0.29, 0.22, 0.1, 0.01])], [:], [Numbers(.f32, [2, 2],
    [0.9955199, 0.9972037, 0.9955199, 0.9972037])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "NGramHashMapping", domain: "com.microsoft", version: 1, [Numbers(.i64, [1, 3], [5, 7, 9]), Numbers(.i64, [2],
    [31, 37]), Numbers(.i64, [2], [97, 101]), Numbers(.i64, [1, 1], [4]), Numbers(.i64, [2], [0, 97]), Numbers(.i64,
    [], [7])], ["max_ngram_size": .int(2), "n_head_per_ngram": .int(2), "pad_id": .int(0), "reset_on_eos": .int(1)],
    [Numbers(.i64, [1, 3, 2], [15, 112, 96, 193, 20, 117]), Numbers(.i64, [1, 1], [9])]),
  ResultCase(
    "RelativePositionBias", domain: "com.microsoft", version: 1, [Numbers(.f32, [8, 2], [-1.31, -0.14, -0.24, -0.67,
    -0.83, -1, -0.81, 0.41, 0.04, 1.66, 0.6, -0.6, -0.54, -0.17, -0.35, 0]), Numbers(.i64, [1], [3]), Numbers(.i64,
    [1], [6])], ["is_bidirectional": .int(1), "max_distance": .int(10)], [Numbers(.f32, [1, 2, 3, 6], [-1.31, -1,
    -0.81, -0.81, -0.81, 0.41, -0.14, -1.31, -1, -0.81, -0.81, -0.81, -0.24, -0.14, -1.31, -1, -0.81, -0.81, 0.04,
    -0.17, -0.35, -0.35, -0.35, 0, 1.66, 0.04, -0.17, -0.35, -0.35, -0.35, 0.6, 1.66, 0.04, -0.17, -0.35, -0.35])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  // What comes later is in the bucket of the query itself.
  ResultCase(
    "RelativePositionBias", domain: "com.microsoft", version: 1, [Numbers(.f32, [8, 1], [-1.31, -0.14, -0.24, -0.67,
    0.5, 0.25, -0.75, 1.5]), Numbers(.i64, [1], [6]), Numbers(.i64, [1], [3])], ["max_distance": .int(20)],
    [Numbers(.f32, [1, 1, 6, 3], [-1.31, -1.31, -1.31, -0.14, -1.31, -1.31, -0.24, -0.14, -1.31, -0.67, -0.24, -0.14,
    0.5, -0.67, -0.24, 0.5, 0.5, -0.67])]),
  ResultCase(
    "ConvTransposeWithDynamicPads", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 3], [1.94, -0.15,
    0.13]), Numbers(.f32, [1, 2, 2], [-1.19, -1.5, -0.14, -0.42]), Numbers(.i64, [2], [1, 0]), Numbers(.f32, [2],
    [0.2, 1.36])], constants: [2], ["strides": .ints([2])], [Numbers(.f32, [1, 2, 5], [-2.71, 0.3785, 0.425,
    0.04530001, 0.00500001, 0.5452, 1.381, 1.423, 1.3418, 1.3054])], tolerance: Tolerance(relative: 0.001, absolute:
    1e-5)),
  ResultCase(
    "ImageScaler", version: 9, [Numbers(.f32, [1, 2, 1, 2], [-0.51, -0.68, 0.98, -0.44])], ["bias": .floats([1, -1]),
    "scale": .float(2)], [Numbers(.f32, [1, 2, 1, 2], [-0.01999998, -0.36, 0.96, -1.88])], tolerance:
    Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "Crop", version: 9, [Numbers(.f32, [1, 1, 3, 4], [0.06, -0.11, 1.88, -1.68, -0.82, 0.65, 1.16, -1.03, 1.18,
    -0.47, -0.73, -0.63])], ["border": .ints([1, 0, 1, 1])], [Numbers(.f32, [1, 1, 2, 2], [-0.11, 1.88, 0.65,
    1.16])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "ScaledTanh", version: 9, [Numbers(.f32, [3], [0.35, 0.48, -0.87])], ["alpha": .float(1.5), "beta": .float(0.7)],
    [Numbers(.f32, [3], [0.3603193, 0.4858525, -0.8151342])], tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "ParametricSoftplus", version: 9, [Numbers(.f32, [3], [0.21, -0.38, -1.19])], ["alpha": .float(1.5), "beta":
    .float(0.7)], [Numbers(.f32, [3], [1.154019, 0.8534487, 0.5414788])], tolerance: Tolerance(relative: 0.001,
    absolute: 1e-5)),
  ResultCase(
    "DynamicSlice", version: 9, [Numbers(.f32, [2, 3], [1.69, -0.97, 0.1, -1.16, -0.43, 0.09]), Numbers(.i64, [1],
    [1]), Numbers(.i64, [1], [3]), Numbers(.i64, [1], [1])], [:], [Numbers(.f32, [2, 2], [-0.97, 0.1, -0.43, 0.09])],
    tolerance: Tolerance(relative: 0.001, absolute: 1e-5)),
  ResultCase(
    "QLinearSoftmax", domain: "com.microsoft", version: 1, [Numbers(.u8, [1, 4], [10, 200, 90, 120]), Numbers(.f32, [],
    [0.02]), Numbers(.u8, [], [3]), Numbers(.f32, [], [0.0071]), Numbers(.u8, [], [5])], ["axis": .int(-1), "opset":
    .int(13)], [Numbers(.u8, [1, 4], [7, 110, 17, 26])]),
  ResultCase(
    "ConvTransposeWithDynamicPads", domain: "com.microsoft", version: 1, [Numbers(.f32, [1, 1, 2, 2], [1, 2, 3, -1]),
    Numbers(.f32, [1, 1, 2, 2], [1, 0.5, -1, 2]), Numbers(.i64, [4], [1, 0, 0, 1])], ["strides": .ints([2, 2])],
    [Numbers(.f32, [1, 1, 3, 3], [-1, 2, -2, 3, 1.5, -1, -3, 6, 1])]),
  ResultCase(
    "ExpandDims", domain: "com.microsoft", version: 1, [Numbers(.f32, [2, 3], [1, 2, 3, 4, 5, 6]), Numbers(.i32, [],
    [-2])], [:], [Numbers(.f32, [2, 1, 3], [1, 2, 3, 4, 5, 6])]),
]
