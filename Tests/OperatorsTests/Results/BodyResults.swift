import Support

@testable import ONNXReader

/// Version 8 of Scan over sequences of two lengths, which ends with zeros where ONNX leaves the result open; and loops,
/// one with a state that grows for more turns than short loops have, one whose state and start are the same value at first.
let bodyResults: [ResultCase] = [
  scan(directions: [0], stacked: [1, 3, 0, 3, 7, 12]),
  scan(directions: [1], stacked: [2, 3, 0, 5, 9, 12]),
  ResultCase(
    "Loop", version: 13, [Numbers(.i64, [], [20]), nil, Numbers(.f32, [2], [1, 2])], constants: [0],
    ["body": .graph(loopBody([
      part("Concat", ["s", "x2"], "t", ["axis": .int(0)]),
    ]))],
    [Numbers(.f32, [42], (0..<42).map { Double($0 % 2 + 1) })]),
  ResultCase(
    "Loop", version: 13, [Numbers(.i64, [], [2]), nil, Numbers(.f32, [], [1])], constants: [0],
    ["body": .graph(loopBody([
      part("Add", ["x2", "x2"], "limit"), part("Less", ["s", "limit"], "isSmall"),
      part("If", ["isSmall"], "t", [
        "then_branch": .graph(branch(part("Add", ["s", "x2"], "sum"))),
        "else_branch": .graph(branch(part("Sub", ["x2", "s"], "difference"))),
      ]),
    ]))],
    [Numbers(.f32, [], [-1])]),
  ranks([1, 2], [27, 54]), ranks([-1, -2], [27, 54]), ranks([-4, 1], [108, -27]),
]

/// Two turns that multiply a vector with its sum, which a choice gives one more axis before where it is not above the
/// greatest element.
private func ranks(_ start: [Double], _ end: [Double]) -> ResultCase {
  let keepsNone: [String: AttributeValue] = ["keepdims": .int(0)]
  return ResultCase(
    "Loop", version: 13, [Numbers(.i64, [], [2]), nil, Numbers(.f32, [2], start)], constants: [0],
    ["body": .graph(loopBody([
      part("ReduceSum", ["s"], "own", keepsNone), part("ReduceMax", ["s"], "most", keepsNone),
      part("Greater", ["own", "most"], "isGreater"),
      part("If", ["isGreater"], "v", [
        "then_branch": .graph(branch(part("Identity", ["s"], "vector"))),
        "else_branch": .graph(branch(part("Flatten", ["s"], "matrix", ["axis": .int(0)]))),
      ]),
      part("ReduceSum", ["v"], "sum", keepsNone), part("Mul", ["s", "sum"], "t"),
    ]))],
    [Numbers(.f32, [2], end)])
}

private func part(_ type: String, _ inputs: [String], _ output: String, _ attributes: [String: AttributeValue] = [:])
  -> NodeDef
{
  NodeDef(name: "", opType: type, domain: "", overload: "", inputs: inputs, outputs: [output], attributes: attributes)
}

/// The body of a loop with one state, which `nodes` compute as `t` from `s`.
private func loopBody(_ nodes: [NodeDef]) -> GraphDef {
  func value(_ name: String) -> ValueInfo { ValueInfo(name: name, type: nil) }
  return GraphDef(
    name: "b", doc: "", nodes: nodes + [part("Identity", ["c"], "d")], inputs: [value("i"), value("c"), value("s")],
    outputs: [value("d"), value("t")], valueInfos: [], initializers: [], sparseInitializers: [])
}

private func branch(_ node: NodeDef) -> GraphDef {
  GraphDef(
    name: node.outputs[0], doc: "", nodes: [node], inputs: [],
    outputs: [ValueInfo(name: node.outputs[0], type: nil)], valueInfos: [], initializers: [], sparseInitializers: [])
}

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
