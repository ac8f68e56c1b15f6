/// Conversions to 8-bit floats, with results of ml_dtypes and, for `f8e8m0`, of the standard's tables.
let castResults: [ResultCase] = [
  ResultCase(
    "Cast", version: 19, [Numbers(.f32, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(17), "saturate": .int(0)],
    [Numbers(.f8e4m3fn, [10], [0, 1.125, -0.3125, 256, 448, .nan, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f64, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(17), "saturate": .int(0)],
    [Numbers(.f8e4m3fn, [10], [0, 1.125, -0.3125, 256, 448, .nan, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19,
    [Numbers(.bf16, [10], [0, 1.101562, -0.3007812, 248, 464, 464, -61440, 998244352, -.infinity, .nan])],
    ["to": .int(17), "saturate": .int(0)],
    [Numbers(.f8e4m3fn, [10], [0, 1.125, -0.3125, 256, 448, 448, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.i32, [5], [0, 1, -465, 70000, -61440])], ["to": .int(17), "saturate": .int(0)],
    [Numbers(.f8e4m3fn, [5], [0, 1, .nan, .nan, .nan])]),
  ResultCase(
    "QuantizeLinear", version: 21,
    [Numbers(.f32, [1, 3], [1, 3, -1000000]), Numbers(.f32, [], [0.5]), Numbers(.f8e4m3fn, [], [0])],
    ["saturate": .int(0)], [Numbers(.f8e4m3fn, [1, 3], [2, 6, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f32, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(18), "saturate": .int(0)],
    [Numbers(.f8e4m3fnuz, [10], [0, 1.125, -0.3125, .nan, .nan, .nan, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f64, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(18), "saturate": .int(0)],
    [Numbers(.f8e4m3fnuz, [10], [0, 1.125, -0.3125, .nan, .nan, .nan, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19,
    [Numbers(.bf16, [10], [0, 1.101562, -0.3007812, 248, 464, 464, -61440, 998244352, -.infinity, .nan])],
    ["to": .int(18), "saturate": .int(0)],
    [Numbers(.f8e4m3fnuz, [10], [0, 1.125, -0.3125, .nan, .nan, .nan, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.i32, [5], [0, 1, -465, 70000, -61440])], ["to": .int(18), "saturate": .int(0)],
    [Numbers(.f8e4m3fnuz, [5], [0, 1, .nan, .nan, .nan])]),
  ResultCase(
    "QuantizeLinear", version: 21,
    [Numbers(.f32, [1, 3], [1, 3, -1000000]), Numbers(.f32, [], [0.5]), Numbers(.f8e4m3fnuz, [], [0])],
    ["saturate": .int(0)], [Numbers(.f8e4m3fnuz, [1, 3], [2, 6, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f32, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(19), "saturate": .int(0)],
    [Numbers(.f8e5m2, [10], [0, 1, -0.3125, 256, 448, 448, -.infinity, .infinity, -.infinity, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f64, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(19), "saturate": .int(0)],
    [Numbers(.f8e5m2, [10], [0, 1, -0.3125, 256, 448, 448, -.infinity, .infinity, -.infinity, .nan])]),
  ResultCase(
    "Cast", version: 19,
    [Numbers(.bf16, [10], [0, 1.101562, -0.3007812, 248, 464, 464, -61440, 998244352, -.infinity, .nan])],
    ["to": .int(19), "saturate": .int(0)],
    [Numbers(.f8e5m2, [10], [0, 1, -0.3125, 256, 448, 448, -.infinity, .infinity, -.infinity, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.i32, [5], [0, 1, -465, 70000, -61440])], ["to": .int(19), "saturate": .int(0)],
    [Numbers(.f8e5m2, [5], [0, 1, -448, .infinity, -.infinity])]),
  ResultCase(
    "QuantizeLinear", version: 21,
    [Numbers(.f32, [1, 3], [1, 3, -1000000]), Numbers(.f32, [], [0.5]), Numbers(.f8e5m2, [], [0])],
    ["saturate": .int(0)], [Numbers(.f8e5m2, [1, 3], [2, 6, -.infinity])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f32, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(20), "saturate": .int(0)],
    [Numbers(.f8e5m2fnuz, [10], [0, 1, -0.3125, 256, 448, 448, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.f64, [10], [0, 1.1, -0.3, 248, 464, 465, -61440, 1000000000, -.infinity, .nan])],
    ["to": .int(20), "saturate": .int(0)],
    [Numbers(.f8e5m2fnuz, [10], [0, 1, -0.3125, 256, 448, 448, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19,
    [Numbers(.bf16, [10], [0, 1.101562, -0.3007812, 248, 464, 464, -61440, 998244352, -.infinity, .nan])],
    ["to": .int(20), "saturate": .int(0)],
    [Numbers(.f8e5m2fnuz, [10], [0, 1, -0.3125, 256, 448, 448, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 19, [Numbers(.i32, [5], [0, 1, -465, 70000, -61440])], ["to": .int(20), "saturate": .int(0)],
    [Numbers(.f8e5m2fnuz, [5], [0, 1, -448, .nan, .nan])]),
  ResultCase(
    "QuantizeLinear", version: 21,
    [Numbers(.f32, [1, 3], [1, 3, -1000000]), Numbers(.f32, [], [0.5]), Numbers(.f8e5m2fnuz, [], [0])],
    ["saturate": .int(0)], [Numbers(.f8e5m2fnuz, [1, 3], [2, 6, .nan])]),
  ResultCase(
    "Cast", version: 24,
    [Numbers(.f32, [10], [0, 1, 1.49, 1.5, 3, 5.5, 2.722259e+38, .infinity, .nan, 2.938736e-39])], ["to": .int(24)],
    [Numbers(.f8e8m0, [10], [5.877472e-39, 1, 2, 2, 4, 8, 1.701412e+38, 1.701412e+38, .nan, 5.877472e-39])]),
  ResultCase(
    "Cast", version: 24,
    [Numbers(.f32, [10], [0, 1, 1.49, 1.5, 3, 5.5, 2.722259e+38, .infinity, .nan, 2.938736e-39])],
    ["to": .int(24), "round_mode": .text("down")],
    [Numbers(.f8e8m0, [10], [5.877472e-39, 1, 1, 1, 2, 4, 1.701412e+38, 1.701412e+38, .nan, 5.877472e-39])]),
  ResultCase(
    "Cast", version: 24,
    [Numbers(.f32, [10], [0, 1, 1.49, 1.5, 3, 5.5, 2.722259e+38, .infinity, .nan, 2.938736e-39])],
    ["to": .int(24), "round_mode": .text("nearest"), "saturate": .int(0)],
    [Numbers(.f8e8m0, [10], [.nan, 1, 1, 2, 4, 4, .nan, .nan, .nan, .nan])]),
  ResultCase(
    "Cast", version: 1, [Numbers(.f32, [2], [1.5, -2.5])], ["to": .text("INT32")], [Numbers(.i32, [2], [1, -2])]),
  ResultCase(
    "DequantizeLinear", version: 21, [Numbers(.i16, [1, 3], [100, -3000, 32767]), Numbers(.f16, [], [0.001000404])],
    [:], [Numbers(.f16, [1, 3], [0.1000366, -3.001953, 32.78125])]),
  ResultCase(
    "Cast", version: 17,
    [Numbers(.f64, [9], [0.1, 1.0 / 3, -1.7976931348623157e308, 5e-324, 99999999.5, 1e8, 0.0001234567891, .nan, -.infinity])],
    ["to": .int(8)],
    [Numbers([9], [
      "0.1", "0.33333333", "-1.7976931e+308", "4.9406565e-324", "1e+08", "1e+08", "0.00012345679", "NaN", "-INF",
    ])]),
  ResultCase(
    "Tile", version: 1, [Numbers(.f32, [2, 1], [1, 2]), Numbers(.f32, [], [2]), Numbers(.f32, [], [1])], [:],
    [Numbers(.f32, [2, 2], [1, 1, 2, 2])]),
]
