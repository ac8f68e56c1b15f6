import Support
import Testing
import Verify

@testable import Driver
@testable import ONNXReader

/// A layer that is the same in every turn of a scan over rows, and a product of the stacked results.
private let model = Model(
  irVersion: 10, opsets: ["": 21], producerName: "", producerVersion: "", domain: "", version: 1, doc: "", metadata: [],
  graph: GraphDef(
    name: "g", doc: "",
    nodes: [
      NodeDef(
        name: "recurrence", opType: "Scan", domain: "", overload: "", inputs: ["first", "x"],
        outputs: ["last", "states"], attributes: ["body": .graph(body), "num_scan_inputs": .int(1)]),
      NodeDef(
        name: "dense", opType: "Gemm", domain: "", overload: "", inputs: ["states", "v"], outputs: ["product"],
        attributes: [:]),
      NodeDef(
        name: "clip", opType: "Relu", domain: "", overload: "", inputs: ["product"], outputs: ["y"], attributes: [:]),
    ],
    inputs: [
      ValueInfo(name: "first", type: .tensor(.f32, [.value(1), .value(64)])),
      ValueInfo(name: "x", type: .tensor(.f32, [.param("n"), .value(1), .value(64)])),
      ValueInfo(name: "v", type: .tensor(.f32, [.value(64), .value(48)])),
    ],
    outputs: [ValueInfo(name: "y", type: nil)], valueInfos: [],
    initializers: [
      TensorData(name: "w", element: .f32, dims: [64, 64], bytes: Bytes(count: 64 * 64 * 4) { _ in })
    ],
    sparseInitializers: []), functions: [])

private let body = GraphDef(
  name: "body", doc: "",
  nodes: [
    NodeDef(
      name: "step", opType: "MatMul", domain: "", overload: "", inputs: ["state", "w"], outputs: ["moved"],
      attributes: [:]),
    NodeDef(
      name: "join", opType: "Add", domain: "", overload: "", inputs: ["moved", "row"], outputs: ["next"],
      attributes: [:]),
    NodeDef(
      name: "flat", opType: "Squeeze", domain: "", overload: "", inputs: ["next"], outputs: ["slice"], attributes: [:]),
  ],
  inputs: ["state", "row"].map { ValueInfo(name: $0, type: .tensor(.f32, [.value(1), .value(64)])) },
  outputs: [
    ValueInfo(name: "next", type: .tensor(.f32, [.value(1), .value(64)])),
    ValueInfo(name: "slice", type: .tensor(.f32, [.value(64)])),
  ],
  valueInfos: [], initializers: [], sparseInitializers: [])

private func zeros(_ dims: [Int]) -> HostValue {
  .tensor(TensorData(element: .f32, dims: dims, bytes: Bytes(count: dims.reduce(4, *)) { _ in }))
}

@Suite(.serialized) struct ProfileTests {
  private func profile(
    turns: Int, threads: Int = 1, _ change: (inout CompileOptions) -> Void = { _ in }
  ) throws -> ModelProfile {
    var options = CompileOptions()
    options.threads = threads
    change(&options)
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let values = [zeros([1, 64]), zeros([turns, 1, 64]), zeros([64, 48])]
    return try Pipeline.profile(request, inputs: values, options: options, runs: 20)
  }

  /// The extent is an argument of the call, so that all counts come from the run.
  @Test(arguments: CompileOptions.Backend.allCases, [1, 2])
  func countsWhatARunDoes(_ backend: CompileOptions.Backend, _ threads: Int) throws {
    for turns in [1, 500] {
      let profile = try profile(turns: turns, threads: threads) { $0.backend = backend }
      let recurrence = try #require(profile.rows.first { $0.nodes.contains { $0.hasPrefix("'step' (MatMul-") } })
      #expect(recurrence.nodes.map { $0.prefix(6) } == ["'step'", "'join'"])
      #expect(recurrence.counts == GroupCounts(
        calls: turns, operations: turns * (2 * 64 * 64 + 64), constantBytes: turns * 64 * 64 * 4,
        otherBytes: turns * 3 * 64 * 4))
      let dense = try #require(profile.rows.first { $0.nodes.contains { $0.hasPrefix("'dense'") } })
      #expect(dense.nodes.map { $0.prefix(6) } == ["'dense", "'clip'"])
      #expect(dense.counts.operations == turns * 48 * (2 * 64 + 1))
      #expect(dense.counts.calls == 1)
      #expect(dense.counts.otherBytes == 4 * (turns * 64 + 64 * 48 + turns * 48))
      for row in profile.rows { #expect(row.seconds >= 0 && row.floor >= 0) }
      #expect(profile.rows.reduce(0) { $0 + $1.seconds } < 2 * profile.seconds)
      #expect(profile.runs == 20)
    }
  }

  @Test func rowsAreInOrder() throws {
    let losses = try profile(turns: 30).rows.map { $0.seconds - $0.floor }
    #expect(losses == losses.sorted(by: >))
  }

  @Test func peaksArePlausible() throws {
    let peaks = try profile(turns: 1).peaks
    #expect((1e9...1e12).contains(peaks.operations))
    #expect(peaks.reading.map(\.footprint) == (14...27).map { 1 << $0 })
    #expect(peaks.reading.allSatisfy { (1e8...1e13).contains($0.rate) })
    #expect(peaks.reading.map(\.rate) == peaks.reading.map(\.rate).sorted(by: >))
    func floor(_ operations: Double, _ accesses: [(bytes: Double, footprint: Double)]) -> Double {
      peaks.floor(operations: operations, of: .numbers, accesses: accesses)
    }
    #expect(floor(peaks.operations, []) == 1)
    #expect(floor(0, [(peaks.reading[0].rate, 0)]) == 1)
    #expect(floor(0, [(peaks.reading[13].rate, 1e12)]) == 1)
    #expect(peaks.pairOperations == nil && peaks.byteOperations == nil)
  }

  /// Units that multiply groups of numbers are faster than those for single numbers, and each product that takes several
  /// of theirs costs as many.
  @Test func peaksOfGroups() throws {
    let processor = try Pipeline.processors(CompileOptions())[0]
    let peaks = try MachinePeaks(processor, threads: 1, footprint: 1, factors: [.bytes, .pairs(products: 6)])
    #expect((peaks.byteOperations == nil) == (processor.target.byteUnit == nil))
    #expect((peaks.pairOperations == nil) == (processor.target.pairUnit == nil))
    if let bytes = peaks.byteOperations { #expect(bytes > peaks.operations) }
    if let pairs = peaks.pairOperations {
      #expect(pairs > peaks.operations)
      #expect(peaks.floor(operations: pairs, of: .pairs(products: 6), accesses: []) == 6)
    }
  }

  @Test func formOfReports() throws {
    let profile = try profile(turns: 5)
    guard case .object(let members) = profile.json else { return #expect(Bool(false), "not an object") }
    #expect(
      members.map(\.key) == [
        "runs", "p10_s", "groups_s", "floor_s", "peak_op_per_s", "peak_bf16_op_per_s", "peak_byte_op_per_s", "reading",
        "groups",
      ])
    guard case .array(let groups)? = members.last?.value, case .object(let row)? = groups.first else {
      return #expect(Bool(false), "no groups")
    }
    #expect(groups.count == profile.rows.count)
    #expect(
      row.map(\.key) == [
        "name", "nodes", "p10_s", "share", "floor_s", "ratio", "calls", "operations", "constant_bytes", "other_bytes",
      ])
    let lines = profile.text.split(separator: "\n")
    #expect(lines.count == profile.rows.count + 3)
    #expect(lines[0].hasSuffix("calls  group"))
    #expect(lines.contains { $0.contains(": 'dense' (Gemm-21) + 'clip' (Relu-21)") }, "\(profile.text)")
  }

  /// Code with tile registers has a twin without, of which this machine runs one.
  @Test func oneOfTwins() throws {
    let profile = try profile(turns: 1) { $0.features = ["+amx-tile", "+amx-bf16"] }
    #expect(!profile.rows.isEmpty && profile.rows.allSatisfy { $0.counts.calls > 0 })
  }

  @Test func oneProcessorOnly() {
    #expect(throws: ModelError.self) { try profile(turns: 1) { $0.cpu = "x86-64-v2,x86-64-v3" } }
  }

  /// Nothing of it is in what users get.
  @Test func normalCodeIsNotMeasured() throws {
    let lowered = try #require(try Pipeline.lower(model, options: CompileOptions()))
    #expect(lowered.program.externals.isEmpty)
    #expect(lowered.groups.isEmpty)
  }
}
