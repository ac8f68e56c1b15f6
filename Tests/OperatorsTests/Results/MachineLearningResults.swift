/// Operators of ai.onnx.ml with results of ONNX Runtime; where it differs from the standard, of the standard's text.
let machineLearningResults: [ResultCase] = [
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.57,
    -0.0561, 0.747, -1.85, 1.57, -0.0964, 0.68, -0.137]), "coefficients": .floats([-0.379, 0.463, 0.825, -0.203,
    -0.153, 0.686, -0.87, -1.51]), "vectors_per_class": .ints([1, 2, 1]), "rho": .floats([0.118, -0.201, -0.576]),
    "classlabels_ints": .ints([5, 9, 11]), "post_transform": .text("NONE"), "prob_a": .floats([-0.814, -0.468,
    -1.19]), "prob_b": .floats([-0.149, 0.00366, 0.0897])],
    [Numbers(.i64, [3], [11, 11, 5]), Numbers(.f32, [3, 3], [0.2966918, 0.1572252, 0.5460832, 0.4213119, 0.0406268,
    0.5380614, 0.3638589, 0.34742, 0.2887213])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("POLY"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([-0.233,
    -0.744, 0.385, 0.717, -0.3, 0.545, 1.04, -0.207]), "coefficients": .floats([-0.814, 0.348, 0.248, 1.1, -1.28,
    -0.662, -0.838, -1.73]), "vectors_per_class": .ints([1, 2, 1]), "rho": .floats([0.0379, 0.158, -0.222]),
    "classlabels_ints": .ints([5, 9, 11]), "post_transform": .text("NONE"), "prob_a": .floats([-1.39, -0.822,
    -0.627]), "prob_b": .floats([0.0402, 0.0956, -0.133])],
    [Numbers(.i64, [3], [5, 5, 11]), Numbers(.f32, [3, 3], [0.3636698, 0.2538232, 0.3825071, 0.4295756, 0.2521725,
    0.318252, 0.2871869, 0.3537888, 0.3590244])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.614, 0.603,
    -1.77, 0.347, -0.25, 0.782, -0.439, -0.0182]), "coefficients": .floats([0.343, -0.876, 0.599, -0.105, 0.492,
    -0.522, 1.09, 0.605]), "vectors_per_class": .ints([1, 2, 1]), "rho": .floats([-0.0534, 0.19, 0.378]),
    "classlabels_ints": .ints([5, 9, 11]), "post_transform": .text("NONE"), "prob_a": .floats([-1.79, -1.57,
    -0.883]), "prob_b": .floats([0.0465, -0.00939, -0.101])],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 3], [0.5622603, 0.2729309, 0.1648088, 0.4400563, 0.3526565,
    0.2072871, 0.4107629, 0.4058377, 0.1833994])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("SIGMOID"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([1.26,
    -1.26, 0.567, 1.3, -1.6, -0.303, -1.31, 0.244]), "coefficients": .floats([1.51, 2.02, -1.78, -0.575, 0.704, 1.58,
    0.421, -0.746]), "vectors_per_class": .ints([1, 2, 1]), "rho": .floats([0.0891, -0.00499, -0.0611]),
    "classlabels_ints": .ints([5, 9, 11]), "post_transform": .text("NONE"), "prob_a": .floats([-0.734, -0.387,
    -0.308]), "prob_b": .floats([-0.0093, -0.0222, -0.128])],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 3], [0.3835936, 0.2968907, 0.3195156, 0.5723581, 0.1438661,
    0.2837757, 0.2884314, 0.3809871, 0.3305814])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([-0.486, 1.21,
    -0.191, -1.44, 1.33, 0.53]), "coefficients": .floats([2.11, 0.0625, -0.461]), "vectors_per_class": .ints([1, 2]),
    "rho": .floats([-0.434]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("NONE")],
    [Numbers(.i64, [3], [5, 9, 9]), Numbers(.f32, [3, 2], [-1.248482, 1.248482, 0.5736539, -0.5736539, 0.004509721,
    -0.004509721])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([1.32, 2.57,
    -0.821, -0.647, 0.596, -0.83]), "coefficients": .floats([-0.271, -0.35, 0.192]), "vectors_per_class": .ints([1,
    2]), "rho": .floats([0.328]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("SOFTMAX")],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 2], [0.7465196, 0.2534805, 0.5673972, 0.4326027, 0.8527025,
    0.1472975])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.0221,
    0.919, -0.42, 0.328, -2.14, -1.45]), "coefficients": .floats([0.796, -0.59, 0.58]), "vectors_per_class":
    .ints([1, 2]), "rho": .floats([0.163]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("LOGISTIC")],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 2], [0.3603638, 0.6396362, 0.4511517, 0.5488483, 0.4770259,
    0.5229741])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([1.32, 0.812,
    1.02, -0.112, -0.698, -0.732]), "coefficients": .floats([-0.488, -1.13, -0.547]), "vectors_per_class": .ints([1,
    2]), "rho": .floats([-0.0278]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("SOFTMAX_ZERO")],
    [Numbers(.i64, [3], [9, 9, 9]), Numbers(.f32, [3, 2], [1.493704, -0.4937041, 2.338544, -1.338544, 2.011004,
    -1.011004])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f64, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.252,
    -0.339, -1.92, -0.0723]), "coefficients": .floats([0.225, 1.08]), "vectors_per_class": .ints([1, 1]), "rho":
    .floats([0.173]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("SOFTMAX"), "prob_a":
    .floats([-0.644]), "prob_b": .floats([-0.0724])],
    [Numbers(.i64, [3], [9, 9, 5]), Numbers(.f32, [3, 2], [0.5, 0.5, 0.3570116, 0.6429883, 0.573767, 0.426233])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f64, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([2.01,
    0.757, 1.83, 2.13]), "coefficients": .floats([-0.818, 0.385]), "vectors_per_class": .ints([1, 1]), "rho":
    .floats([0.137]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("LOGISTIC"), "prob_a":
    .floats([-0.56]), "prob_b": .floats([0.0542])],
    [Numbers(.i64, [3], [5, 9, 5]), Numbers(.f32, [3, 2], [0.6316425, 0.6131874, 0.5834563, 0.6599389, 0.6294767,
    0.6153902])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f64, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.202,
    0.174, -1.5, -0.165]), "coefficients": .floats([-0.748, 0.126]), "vectors_per_class": .ints([1, 1]), "rho":
    .floats([-0.14]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("SOFTMAX_ZERO"), "prob_a":
    .floats([-0.619]), "prob_b": .floats([0.0819])],
    [Numbers(.i64, [3], [9, 9, 5]), Numbers(.f32, [3, 2], [0.4623638, 0.5376362, 0.4531362, 0.5468639, 0.492929,
    0.507071])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f64, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([0.309,
    0.316, 0.0929, -0.448]), "coefficients": .floats([-0.165, -0.496]), "vectors_per_class": .ints([1, 1]), "rho":
    .floats([0.116]), "classlabels_ints": .ints([5, 9]), "post_transform": .text("PROBIT"), "prob_a":
    .floats([-0.0141]), "prob_b": .floats([0.0581])],
    [Numbers(.i64, [3], [5, 9, 5]), Numbers(.f32, [3, 2], [-0.03337501, 0.03337501, -0.03719921, 0.03719921,
    -0.03592104, 0.03592104])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3, [Numbers(.i64, [3, 2], [0, 4, 3, -1, 0, -1])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 2]), "support_vectors": .floats([-1.33, 0.888,
    -0.763, -0.734, -0.197, -0.563]), "coefficients": .floats([0.291, -0.574, -1.07, -0.846, 1.31, 0.0443]),
    "vectors_per_class": .ints([1, 1, 1]), "rho": .floats([-0.35, 0.00251, -0.467]), "classlabels_ints": .ints([5, 9,
    11]), "post_transform": .text("LOGISTIC")],
    [Numbers(.i64, [3], [11, 11, 9]), Numbers(.f32, [3, 3], [0.4136109, 0.4999306, 0.38533, 0.4132704, 0.4991575,
    0.3856362, 0.3221506, 0.266953, 0.6265909])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([1.79, -1.52]), "rho": .floats([0.1]), "classlabels_ints": .ints([5]), "post_transform":
    .text("NONE"), "kernel_type": .text("LINEAR"), "kernel_params": .floats([0, 0, 0])],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 1], [-1.905982, 3.059, 0.36762])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([0.479, 0.544, -1.45, 0.3]), "rho": .floats([0.1]), "classlabels_ints": .ints([5, 9]),
    "post_transform": .text("SOFTMAX"), "kernel_type": .text("LINEAR"), "kernel_params": .floats([0, 0, 0])],
    [Numbers(.i64, [3], [9, 9, 9]), Numbers(.f32, [3, 2], [0.5981618, 0.4018382, 0.9028184, 0.09718161, 0.3310522,
    0.6689478])]),
  ResultCase(
    "SVMClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([0.997, 0.468, 0.261, 0.949, 0.161, 0.336]), "rho": .floats([0.1]), "classlabels_ints":
    .ints([5, 9, 11]), "post_transform": .text("SOFTMAX"), "kernel_type": .text("LINEAR"), "kernel_params":
    .floats([0, 0, 0])],
    [Numbers(.i64, [3], [9, 5, 11]), Numbers(.f32, [3, 3], [0.2711622, 0.5086224, 0.2202153, 0.5866739, 0.1870244,
    0.2263017, 0.2992448, 0.2891955, 0.4115596])]),
  ResultCase(
    "SVMRegressor", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("POLY"), "kernel_params": .floats([0.5, 0.25, 3]), "coefficients": .floats([-0.127, 0.632,
    -0.941]), "support_vectors": .floats([0.792, -0.505, -1.09, 0.365, 1.69, 0.962]), "rho": .floats([0.1]),
    "n_supports": .int(3)],
    [Numbers(.f32, [3, 1], [-0.5946262, -1.109244, 0.1332791])]),
  ResultCase(
    "SVMRegressor", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("SIGMOID"), "kernel_params": .floats([0.5, 0.25, 3]), "coefficients": .floats([-0.516,
    0.698, -0.454]), "support_vectors": .floats([-0.124, 0.0895, -2.32, 0.192, -1.03, -0.697]), "rho":
    .floats([0.1]), "n_supports": .int(3)],
    [Numbers(.f32, [3, 1], [0.2822881, -0.4726156, 0.08325561])]),
  ResultCase(
    "SVMRegressor", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("RBF"), "kernel_params": .floats([0.5, 0.25, 3]), "coefficients": .floats([-1.47, -1.52,
    -0.943]), "support_vectors": .floats([0.826, 1.67, -0.0252, 1.09, -0.264, -1.91]), "rho": .floats([-0.05]),
    "n_supports": .int(3), "one_class": .int(1)],
    [Numbers(.f32, [3, 1], [-1, -1, -1])]),
  ResultCase(
    "SVMRegressor", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["kernel_type": .text("LINEAR"), "kernel_params": .floats([0.5, 0.25, 3]), "coefficients": .floats([0.15,
    0.446]), "rho": .floats([0.1])],
    [Numbers(.f32, [3, 1], [0.7116901, 0.05554001, -0.179742])]),
  ResultCase(
    "LinearClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([-0.429, 0.302]), "intercepts": .floats([0.1]), "classlabels_ints": .ints([5, 9]),
    "post_transform": .text("NONE")],
    [Numbers(.i64, [3], [9, 5, 9]), Numbers(.f32, [3, 2], [0.5039518, 0.4960482, 1.5774, -0.5774, 0.931312,
    0.06868801])]),
  ResultCase(
    "LinearClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([0.573, -0.863]), "intercepts": .floats([0.1]), "classlabels_ints": .ints([5, 9]),
    "post_transform": .text("LOGISTIC")],
    [Numbers(.i64, [3], [5, 9, 9]), Numbers(.f32, [3, 2], [0.7415583, 0.2584417, 0.224577, 0.775423, 0.4051512,
    0.5948488])]),
  ResultCase(
    "LinearClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([-1.48, -0.221]), "intercepts": .floats([0.1]), "classlabels_ints": .ints([5, 9]),
    "post_transform": .text("SOFTMAX")],
    [Numbers(.i64, [3], [5, 5, 9]), Numbers(.f32, [3, 2], [1.251176, -0.251176, 2.59289, -1.59289, 0.3424929,
    0.6575071])]),
  ResultCase(
    "LinearClassifier", domain: "ai.onnx.ml", version: 3,
    [Numbers(.f32, [3, 2], [0.0342, 1.36, 1.22, -0.51, -0.298, -0.527])],
    ["coefficients": .floats([-0.211, -0.353]), "intercepts": .floats([0.1])],
    [Numbers(.i64, [3], [0, 1, 1]), Numbers(.f32, [3, 1], [-0.3872962, 0.02260999, 0.348909])]),
  ResultCase(
    "LinearClassifier", domain: "ai.onnx.ml", version: 3, [Numbers(.i32, [3, 2], [0, 1, 1, 0, 0, 0])],
    ["coefficients": .floats([0.987, 1.73, -0.417, 0.699, 0.941, 0.713]), "intercepts": .floats([1.05, -0.389,
    0.74]), "classlabels_ints": .ints([5, 9, 7]), "post_transform": .text("SOFTMAX_ZERO")],
    [Numbers(.i64, [3], [5, 5, 5]), Numbers(.f32, [3, 3], [0.7408193, 0.06266209, 0.1965186, 0.5685943, 0.03312099,
    0.3982848, 0.5074566, 0.1203509, 0.3721925])]),
  ResultCase(
    "FeatureVectorizer", domain: "ai.onnx.ml", version: 3,
    [Numbers(.i64, [2, 2], [1, 2, 3, 4]), Numbers(.i64, [2, 3], [5, 6, 7, 8, 9, 10])],
    ["inputdimensions": .ints([2, 3])], [Numbers(.f32, [2, 5], [1, 2, 5, 6, 7, 3, 4, 8, 9, 10])]),
  ResultCase(
    "FeatureVectorizer", domain: "ai.onnx.ml", version: 3,
    [Numbers(.i64, [2, 2], [1, 2, 3, 4]), Numbers(.i64, [2, 3], [5, 6, 7, 8, 9, 10])],
    ["inputdimensions": .ints([1, 5])], [Numbers(.f32, [2, 6], [1, 5, 6, 7, 0, 0, 3, 8, 9, 10, 0, 0])]),
  ResultCase(
    "LabelEncoder", domain: "ai.onnx.ml", version: 2, [Numbers(.i64, [2, 2], [3, 4, 5, 1])],
    ["keys_int64s": .ints([1, 3, 3]), "values_floats": .floats([1.5, 2.5, 3.5]), "default_float": .float(7)],
    [Numbers(.f32, [2, 2], [2.5, 7, 7, 1.5])]),
  ResultCase(
    "LabelEncoder", domain: "ai.onnx.ml", version: 4, [Numbers(.i64, [2, 2], [3, 4, 5, 1])],
    ["keys_int64s": .ints([1, 3, 3]), "values_floats": .floats([1.5, 2.5, 3.5]), "default_float": .float(7)],
    [Numbers(.f32, [2, 2], [3.5, 7, 7, 1.5])]),
  ResultCase(
    "OneHotEncoder", domain: "ai.onnx.ml", version: 1, [Numbers(.i32, [3], [2, 5, 1])],
    ["cats_int64s": .ints([1, 2, 5]), "zeros": .int(0)], [Numbers(.f32, [3, 3], [0, 1, 0, 0, 0, 1, 1, 0, 0])]),
  ResultCase(
    "LinearRegressor", domain: "ai.onnx.ml", version: 1, [Numbers(.f32, [2, 2], [1, 2, -1, 0.5])], ["coefficients":
    .floats([0.5, -0.25]), "intercepts": .floats([0.3]), "post_transform": .text("LOGISTIC"), "targets": .int(1)],
    [Numbers(.f32, [2, 1], [0.3, -0.325])]),
]
