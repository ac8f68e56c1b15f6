import Glibc
import ONNXReader
import Support
import Testing

/// The diagnostics of decoding a serialized model, as text; empty when it is right.
private func faults(_ bytes: [UInt8]) -> String {
  do {
    _ = try Model.decode(Bytes(bytes))
    return ""
  } catch {
    return error.description
  }
}

struct ModelTests {
  @Test func readsAllParts() throws {
    let model = try Model.decode(Bytes(ModelBuilder.branches))
    #expect(model.opsets == ["": 17])
    #expect(model.irVersion == 8)
    #expect(model.graph.nodes.map(\.opType) == ["Add", "If", "Transpose"])
    #expect(model.graph.inputs.map { "\($0.name): \($0.type!)" } == ["x: f32[n]", "c: bool[]"])
    #expect(model.graph.nodes[2].attributes == ["perm": .ints([0])])
    #expect(model.graph.initializers[0].doubles() == [1, 2])
    guard case .graph(let branch) = model.graph.nodes[1].attributes["else_branch"] else {
      Issue.record("the branch is missing")
      return
    }
    #expect(branch.nodes.map(\.opType) == ["Neg"])
  }

  /// Long runs of bytes are used where they lie in the file.
  @Test func findsLargeTensorsInTheFile() throws {
    let values = (0..<3).map { number in (0..<20_000).map { Float(number * 20_000 + $0) } }
    let raw = values.map { $0.withUnsafeBytes { Array($0) } }
    let tensors = raw.enumerated().map { ModelBuilder.tensor("w\($0)", element: 1, dims: [20_000], raw: $1) }
    let file = Bytes(ModelBuilder.model(ModelBuilder.graph(nodes: [], initializers: tensors)))
    let model = try Model.decode(file)
    let bounds = file.withUnsafeBytes { UInt(bitPattern: $0.baseAddress)..<UInt(bitPattern: $0.baseAddress) + UInt($0.count) }
    for (initializer, expected) in zip(model.graph.initializers, values) {
      #expect(initializer.doubles() == expected.map(Double.init))
      #expect(initializer.bytes.withUnsafeBytes { bounds.contains(UInt(bitPattern: $0.baseAddress)) })
    }
  }

  @Test func sortsNodes() throws {
    let graph = ModelBuilder.graph(
      nodes: [
        ModelBuilder.node("Neg", ["b"], ["c"]), ModelBuilder.node("Abs", ["x"], ["a"]),
        ModelBuilder.node("Exp", ["a"], ["b"]),
      ],
      inputs: [ModelBuilder.value("x", dims: [1])], outputs: [ModelBuilder.value("c", dims: [1])])
    #expect(try Model.decode(Bytes(ModelBuilder.model(graph))).graph.nodes.map(\.opType) == ["Abs", "Exp", "Neg"])
  }

  @Test func namesFaults() {
    typealias B = ModelBuilder
    let x = B.value("x", dims: [1])
    func one(_ nodes: [[UInt8]], _ initializers: [[UInt8]] = []) -> String {
      faults(B.model(B.graph(nodes: nodes, inputs: [x], initializers: initializers)))
    }
    #expect(faults([]).contains("empty"))
    #expect(faults(Array("hello, world".utf8)).contains("not an ONNX"))
    #expect(faults(B.message { $0.number(1, 8) }).contains("no graph"))
    #expect(one([B.node("Neg", ["q"], ["y"], name: "n")]).contains("'n' (Neg-17): 'q' is used but never defined"))
    #expect(one([B.node("Neg", ["x"], ["y"]), B.node("Abs", ["x"], ["y"])]).contains("'y' is defined twice"))
    #expect(
      one([B.node("Neg", ["b"], ["a"], name: "p"), B.node("Abs", ["a"], ["b"], name: "q")]).contains(
        "'p' (Neg-17), 'q'"))
    #expect(
      one([], [B.tensor("w", element: 99, dims: [1], raw: [0])]).contains("initializer 'w' has an unknown element"))
    #expect(one([], [B.tensor("w", element: 1, dims: [-1], raw: [])]).contains("negative dimension"))
    #expect(one([], [B.tensor("w", element: 1, dims: [1 << 40, 1 << 40], raw: [])]).contains("too large"))
    #expect(one([], [B.tensor("w", element: 1, dims: [2], raw: [0])]).contains("1 bytes of data instead of 8"))
    let several = one([B.node("Neg", ["q"], ["y"]), B.node("Neg", ["r"], ["z"])])
    #expect(several.contains("'q'") && several.contains("'r'"))
  }

  @Test func refusesDeepNesting() {
    func nested(_ depth: Int) -> [UInt8] {
      var graph = ModelBuilder.graph(nodes: [])
      for _ in 1..<depth {
        graph = ModelBuilder.graph(
          nodes: [ModelBuilder.node("If", [], [], attributes: [ModelBuilder.graphAttribute("then_branch", graph)])])
      }
      return ModelBuilder.model(graph)
    }
    #expect(faults(nested(100)) == "")
    #expect(faults(nested(101)).contains("deeper than 100"))
    #expect(faults(nested(2000)).contains("deeper than 100"))
    var type = ModelBuilder.message { $0.bytes(1, ModelBuilder.message { $0.number(1, 1) }) }
    for _ in 0..<5000 {
      let inner = type
      type = ModelBuilder.message { $0.bytes(4, ModelBuilder.message { $0.bytes(1, inner) }) }
    }
    let value = ModelBuilder.message {
      $0.bytes(1, [0x78])
      $0.bytes(2, type)
    }
    #expect(faults(ModelBuilder.model(ModelBuilder.graph(nodes: [], inputs: [value]))).contains("deeper"))
  }

  @Test func refusesExternalDataOutsideTheFolder() {
    func external(_ location: String) -> String {
      let tensor = ModelBuilder.message {
        $0.number(1, 1)
        $0.number(2, 1)
        $0.bytes(8, [0x77])
        $0.bytes(
          13,
          ModelBuilder.message {
            $0.bytes(1, ModelBuilder.text("location"))
            $0.bytes(2, ModelBuilder.text(location))
          })
        $0.number(14, 1)
      }
      let model = ModelBuilder.model(ModelBuilder.graph(nodes: [], initializers: [tensor]))
      do {
        _ = try Model.decode(Bytes(model), path: "/tmp/model.onnx")
        return ""
      } catch {
        return error.description
      }
    }
    #expect(external("/etc/passwd").contains("not a path within"))
    #expect(external("../etc/passwd").contains("not a path within"))
    #expect(external("a/../../etc/passwd").contains("not a path within"))
    #expect(external("no-such-file").contains("missing"))
  }

  @Test func mapsExternalData() throws {
    var template = Array("/tmp/onnxc-external-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
      unlink(folder + "/w.bin")
      unlink(folder + "/link.bin")
      rmdir(folder)
    }
    try AtomicFile.write([9, 9, 1, 2, 3], path: folder + "/w.bin")
    symlink("/etc/passwd", folder + "/link.bin")
    func load(_ entries: [String: String]) throws -> Model {
      let tensor = ModelBuilder.message {
        $0.number(1, 3)
        $0.number(2, 2)
        $0.bytes(8, [0x77])
        for (key, value) in entries {
          let entry = ModelBuilder.message {
            $0.bytes(1, ModelBuilder.text(key))
            $0.bytes(2, ModelBuilder.text(value))
          }
          $0.bytes(13, entry)
        }
        $0.number(14, 1)
      }
      let model = ModelBuilder.model(ModelBuilder.graph(nodes: [], initializers: [tensor]))
      return try Model.decode(Bytes(model), path: folder + "/model.onnx")
    }
    let model = try load(["location": "w.bin", "offset": "2", "length": "3"])
    #expect(model.graph.initializers[0].doubles() == [1, 2, 3])
    #expect(try load(["location": "w.bin", "offset": "2"]).graph.initializers[0].count == 3)
    let digest = sha1(Bytes([9, 9, 1, 2, 3]))
    #expect(try load(["location": "w.bin", "offset": "2", "checksum": digest]).graph.initializers[0].count == 3)
    for wrong in [
      ["location": "w.bin", "offset": "2", "checksum": "00"], ["location": "w.bin", "offset": "3"],
      ["location": "w.bin", "offset": "-1"], ["location": "link.bin"], [:],
      ["location": "w.bin", "offset": "9223372036854775807"], ["location": "w.bin", "length": "2"],
      ["location": "w.bin", "length": "x"], ["location": "."],
    ] {
      #expect(throws: ModelError.self) { try load(wrong) }
    }
  }

  /// Damaged files give a model or a diagnostic, never a crash.
  @Test func survivesDamage() {
    let originals = [ModelBuilder.branches, ModelBuilder.chain(5), ModelBuilder.chain(40)]
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var refused = 0
    for round in 0..<6000 {
      var bytes = originals[round % originals.count]
      switch round % 4 {
      case 0: bytes = Array(bytes.prefix(random(bytes.count)))
      case 1: bytes[random(bytes.count)] ^= 1 << UInt8(random(8))
      case 2: for _ in 0...random(8) { bytes[random(bytes.count)] = UInt8(random(256)) }
      case _:
        let start = random(bytes.count)
        bytes.removeSubrange(start..<min(bytes.count, start + 1 + random(8)))
      }
      if !faults(bytes).isEmpty { refused += 1 }
    }
    #expect(refused > 3000)
  }
}
