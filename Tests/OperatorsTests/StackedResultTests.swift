import Support
import Testing

@testable import ONNXReader

/// Results that bodies stack when data decide about the extents of their slices.
@Suite struct StackedResultTests {
  private func part(
    _ type: String, _ inputs: [String], _ outputs: [String], _ attributes: [String: AttributeValue] = [:]
  ) -> NodeDef {
    NodeDef(
      name: outputs[0], opType: type, domain: "", overload: "", inputs: inputs, outputs: outputs,
      attributes: attributes)
  }

  private func body(_ nodes: [NodeDef], _ inputs: [String], _ outputs: [String]) -> AttributeValue {
    func values(_ names: [String]) -> [ValueInfo] { names.map { ValueInfo(name: $0, type: nil) } }
    return .graph(
      GraphDef(
        name: "b", doc: "", nodes: nodes, inputs: values(inputs), outputs: values(outputs), valueInfos: [],
        initializers: [], sparseInitializers: []))
  }

  @Test func slicesWhoseExtentsATurnDecidesAreRefused() {
    let chosen = body([part("Compress", ["e", "x1"], ["t"])], ["e"], ["t"])
    let node = part("Scan", ["x0"], ["y"], ["body": chosen, "num_scan_inputs": .int(1)])
    let diagnostics = SmallModel(type: "Scan", inputs: [(.f32, [3, 4]), (.bool, [4])]).diagnostics([node])
    #expect(diagnostics.map(\.kind) == [.unsupported])
    #expect(diagnostics.allSatisfy { $0.message.contains("a stacked result") })
  }

  @Test func slicesMayHaveExtentsThatAreMeasuredBeforeTheLoop() {
    let turn = body(
      [part("Identity", ["c"], ["d"]), part("Neg", ["s"], ["t"]), part("Add", ["s", "y"], ["o"])], ["i", "c", "s"],
      ["d", "t", "o"])
    let nodes = [
      part("Compress", ["x0", "x1"], ["y"]), part("Loop", ["x2", "", "y"], ["last", "all"], ["body": turn]),
    ]
    let model = SmallModel(type: "Loop", inputs: [(.f32, [4]), (.bool, [4]), (.i64, [])])
    #expect(model.diagnostics(nodes).map(\.message) == [])
  }
}
