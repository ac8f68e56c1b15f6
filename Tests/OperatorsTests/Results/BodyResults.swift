import Support

@testable import ONNXReader

/// Version 8 of Scan over sequences of two lengths, which ends with zeros where ONNX leaves the result open.
let bodyResults: [ResultCase] = [
  scan(directions: [0], stacked: [1, 3, 0, 3, 7, 12]),
  scan(directions: [1], stacked: [2, 3, 0, 5, 9, 12]),
]

/// Running sums of the first two and of all three elements of two rows.
private func scan(directions: [Int], stacked: [Double]) -> ResultCase {
  func node(_ type: String, _ inputs: [String], _ output: String) -> NodeDef {
    NodeDef(name: "", opType: type, domain: "", overload: "", inputs: inputs, outputs: [output], attributes: [:])
  }
  func value(_ name: String) -> ValueInfo { ValueInfo(name: name, type: .tensor(.f32, [])) }
  let body = GraphDef(
    name: "b", doc: "", nodes: [node("Add", ["s", "e"], "t"), node("Identity", ["t"], "o")],
    inputs: [value("s"), value("e")], outputs: [value("t"), value("o")], valueInfos: [], initializers: [],
    sparseInitializers: [])
  return ResultCase(
    "Scan", version: 8,
    [Numbers(.i64, [2], [2, 3]), Numbers(.f32, [2], [0, 0]), Numbers(.f32, [2, 3], [1, 2, 100, 3, 4, 5])],
    ["num_scan_inputs": .int(1), "directions": .ints(directions), "body": .graph(body)],
    [Numbers(.f32, [2], [3, 12]), Numbers(.f32, [2, 3], stacked)])
}
