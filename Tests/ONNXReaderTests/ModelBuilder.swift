import ONNXReader
import Support

/// Serializes small models for tests.
enum ModelBuilder {
  static func message(_ build: (inout WireWriter) -> Void) -> [UInt8] {
    var wire = WireWriter()
    build(&wire)
    return wire.output
  }

  static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// A value's declaration; negative dimensions are left open.
  static func value(_ name: String, element: UInt64 = 1, dims: [Int]) -> [UInt8] {
    let shape = message { shape in
      for dim in dims {
        shape.bytes(1, message { if dim >= 0 { $0.number(1, UInt64(dim)) } else { $0.bytes(2, text("n")) } })
      }
    }
    let tensor = message {
      $0.number(1, element)
      $0.bytes(2, shape)
    }
    return message {
      $0.bytes(1, text(name))
      $0.bytes(2, message { $0.bytes(1, tensor) })
    }
  }

  static func node(
    _ type: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    attributes: [[UInt8]] = []
  ) -> [UInt8] {
    message {
      for input in inputs { $0.bytes(1, text(input)) }
      for output in outputs { $0.bytes(2, text(output)) }
      if !name.isEmpty { $0.bytes(3, text(name)) }
      $0.bytes(4, text(type))
      for attribute in attributes { $0.bytes(5, attribute) }
      if !domain.isEmpty { $0.bytes(7, text(domain)) }
    }
  }

  static func graphAttribute(_ name: String, _ graph: [UInt8]) -> [UInt8] {
    message {
      $0.bytes(1, text(name))
      $0.number(20, 5)
      $0.bytes(6, graph)
    }
  }

  static func intsAttribute(_ name: String, _ values: [Int]) -> [UInt8] {
    message {
      $0.bytes(1, text(name))
      $0.number(20, 7)
      for value in values { $0.number(8, UInt64(bitPattern: Int64(value))) }
    }
  }

  static func graph(
    nodes: [[UInt8]], inputs: [[UInt8]] = [], outputs: [[UInt8]] = [], initializers: [[UInt8]] = []
  ) -> [UInt8] {
    message {
      for node in nodes { $0.bytes(1, node) }
      $0.bytes(2, text("g"))
      for tensor in initializers { $0.bytes(5, tensor) }
      for input in inputs { $0.bytes(11, input) }
      for output in outputs { $0.bytes(12, output) }
    }
  }

  static func model(_ graph: [UInt8]) -> [UInt8] {
    message {
      $0.number(1, 8)
      $0.bytes(7, graph)
      $0.bytes(8, message { $0.number(2, 17) })
    }
  }

  /// A tensor with raw data.
  static func tensor(_ name: String, element: UInt64, dims: [Int], raw: [UInt8]) -> [UInt8] {
    message {
      for dim in dims { $0.number(1, UInt64(bitPattern: Int64(dim))) }
      $0.number(2, element)
      $0.bytes(8, text(name))
      $0.bytes(9, raw)
    }
  }

  /// A model with weights, an attribute and an If with two branches that use outer values.
  static var branches: [UInt8] {
    let then = graph(nodes: [node("Relu", ["h"], ["t"])], outputs: [value("t", dims: [2])])
    let otherwise = graph(nodes: [node("Neg", ["h"], ["e"])], outputs: [value("e", dims: [2])])
    return model(
      graph(
        nodes: [
          node("Add", ["x", "w"], ["h"], name: "add"),
          node(
            "If", ["c"], ["y"], name: "if",
            attributes: [graphAttribute("then_branch", then), graphAttribute("else_branch", otherwise)]),
          node("Transpose", ["y"], ["z"], attributes: [intsAttribute("perm", [0])]),
        ],
        inputs: [value("x", dims: [-1]), value("c", element: 9, dims: [])],
        outputs: [value("z", dims: [2])],
        initializers: [tensor("w", element: 1, dims: [2], raw: [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])]))
  }

  /// A chain of the same operator.
  static func chain(_ length: Int) -> [UInt8] {
    model(
      graph(
        nodes: (0..<length).map { node("Relu", ["v\($0)"], ["v\($0 + 1)"], name: "n\($0)") },
        inputs: [value("v0", dims: [2, -1])], outputs: [value("v\(length)", dims: [2, -1])]))
  }
}
