import Support
import TensorIR

/// A graph that holds something that texts must not lose.
struct SampleGraph: Sendable, CustomStringConvertible {
  var description: String
  var graph: Graph

  init(_ description: String, _ build: (inout GraphBuilder) -> [ValueID]) {
    self.description = description
    var builder = GraphBuilder()
    builder.origin = "'node' (Op-1)"
    let outputs = build(&builder)
    graph = builder.finish(outputs: outputs)
  }
}

/// Every primitive, every scalar node, and dimensions and numbers of all kinds.
let sampleGraphs: [SampleGraph] = [
  SampleGraph("constants") { b in
    let floats = [0.1, -0.0, .infinity, -.infinity, .nan, 1e-45, 3.4028234663852886e38, 16_777_217]
    var outputs = [ElementType.f32, .f64, .f16, .bf16].map {
      b.constant(ConstantTensor($0, dims: [2, 4], doubles: floats))
    }
    outputs += [ElementType.i64, .u64, .i8, .u16].map {
      b.constant(ConstantTensor($0, dims: [3], integers: [1, -1, .min]))
    }
    outputs.append(b.constant(ConstantTensor(.bool, dims: [2], integers: [1, 0])))
    outputs.append(b.constant(ConstantTensor(.f32, dims: [0, 3], doubles: [])))
    outputs.append(b.constant(ConstantTensor(.f32, dims: [], bytes: [1, 0, 0xC0, 0x7F])))
    outputs.append(b.constant(ConstantTensor(.i32, dims: [9], integers: Array(0..<9))))
    outputs.append(b.constant(ConstantTensor(.c64, dims: [1], bytes: [1, 2, 3, 4, 5, 6, 7, 8])))
    return outputs
  },
  SampleGraph("map with every scalar node") { b in
    let n = Dim(symbol: "n")
    let x = b.input(TensorType(.f32, [n, 4]), name: "x")
    var body = ScalarGraph()
    let zero = body.number(0, .f32)
    let row = body.affine(body.axis(0), scale: 2, offset: n * -3 + 1)
    let read = body.read(0, [row, body.axis(1)], outside: zero, type: .f32)
    let odd = body.add(.literal(.floatBits(0x7FF8_0000_0000_0001), .f32), type: .f32)
    let sum = body.multiplyAdd(read, odd, body.exponential(read))
    let isLess = body.compare(.lessOrEqual, sum, body.number(-.infinity, .f32))
    let bits = body.bitcast(body.plus(sum, zero), to: .i32)
    body.results = [body.select(isLess, bits, body.cast(sum, to: .i32))]
    return [b.map([n, 4], body, [x])]
  },
  SampleGraph("dimensions") { b in
    let n = Dim(symbol: "n")
    let odd = Dim(symbol: "batch \"size\"") + Dim(symbol: "d0") * 2
    let shape = [
      n * n * 3 - 1, n.floorDivided(by: 4) * 2, n.remainder(by: odd), .minimum(n, odd) + 7, .maximum(n, odd), odd - n,
      0,
    ]
    return [b.reshape(b.input(TensorType(.u8, shape)), shape.reversed())]
  },
  SampleGraph("external calls") { b in
    let n = Dim(symbol: "n")
    let x = b.input(TensorType(.f16, [n, 4]))
    let mode = b.constant(ConstantTensor(.u8, dims: [2], integers: [65, 0]))
    let parameters: [ExternalFunction.Parameter] = [
      .init("x", .input, .f16), .init("bias", .input, .f32), .init("rank", .value, .i64), .init("scale", .value, .f32),
      .init("mode", .text, .u8), .init("y", .output, .f16), .init("z", .output, .i64),
    ]
    let function = ExternalFunction(name: "my_Op", parameters: parameters, documentation: "my::Op(\"x\")")
    let call = External(
      function: function,
      arguments: [.operand(0), .absent, .integer(-2), .float(0.1), .operand(1), .result(0), .result(1)],
      results: [TensorType(.f16, [n]), TensorType(.i64, [])])
    return b.add(.external(call), [x, mode])
  },
  SampleGraph("reductions") { b in
    let x = b.input(TensorType(.f16, [3, 5]))
    var body = ScalarGraph()
    body.results = [body.read(0, [body.axis(0), body.axis(1)], type: .f16)]
    return Combiner.allCases.flatMap { b.reduce($0, shape: [3], reduced: [5], operands: [x], body: body) }
  },
  SampleGraph("contraction") { b in
    let n = Dim(symbol: "n")
    let x = b.input(TensorType(.i8, [n, 8]))
    let w = b.input(TensorType(.i8, [3, 3]))
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.cast(epilogue.accumulator(0, .i32), to: .f32)]
    let contract = Contract(
      shape: [n, 6], reduced: [3, 3],
      lhs: [AffineIndex([0: 2, 2: -1], offset: n - 1), AffineIndex([1: 1, 3: 1], offset: -1)],
      rhs: [.axis(2), AffineIndex([3: 1], offset: Dim(symbol: "d7"))], accumulator: .i32, epilogue: epilogue)
    return b.add(.contract(contract), [x, w])
  },
  SampleGraph("nested scans") { b in
    let state = b.input(TensorType(.f32, [2]))
    let steps = b.input(TensorType(.f32, [7, 2]))
    return b.add(.scan(scan(length: 7, inner: scan(length: 3, inner: nil))), [state, steps])
  },
  SampleGraph("scatter") { b in
    let x = b.input(TensorType(.f32, [4, 5]))
    let index = b.input(TensorType(.i64, [3]))
    var target = ScalarGraph()
    let row = target.read(1, [target.axis(0)], type: .i64)
    target.results = [row, target.axis(1), target.number(1, .f32)]
    return ScatterCombiner.allCases.flatMap {
      b.add(.scatter(Scatter(updates: [3, 5], combiner: $0, target: target)), [x, index])
    }
  },
  SampleGraph("sort") { b in
    let x = b.input(TensorType(.f32, [4, Dim(symbol: "n")]))
    return b.add(.sort(Sort(axis: 0, descending: true, limit: 2)), [x])
      + b.add(.sort(Sort(axis: 1, descending: false, limit: Dim(symbol: "k"))), [x])
  },
  SampleGraph("measured extents") { b in
    let x = b.input(TensorType(.f32, [4, Dim(symbol: "n")]))
    var condition = ScalarGraph()
    let value = condition.read(0, [condition.axis(0), condition.axis(1)], type: .f32)
    condition.results = [condition.compare(.greater, value, condition.number(0, .f32))]
    let compact = b.add(.compact(Compact(shape: [4, Dim(symbol: "n")], condition: condition)), [x])
    let count = b.measured(compact[1], as: "count")[0]
    b.assume([DimFact(count, .atMost, Dim(symbol: "n") * 4)])
    b.assume([DimFact(count * 2, .equal, Dim(symbol: "n"))], isRequired: true)
    var body = ScalarGraph()
    body.results = [body.plus(body.read(0, [body.axis(0)], type: .i64), body.dim(count))]
    return [b.map([count], body, [compact[0]])]
  },
  SampleGraph("branch") { b in
    let condition = b.input(TensorType(.bool, []))
    let x = b.input(TensorType(.f32, [3]))
    func graph(_ count: Int) -> Graph {
      var inner = GraphBuilder(inside: b)
      let x = inner.input(TensorType(.f32, [3]))
      return inner.finish(outputs: [inner.pick(x, count), inner.constant(ConstantTensor(.i32, dims: [], integers: [count]))])
    }
    let extent = b.newSymbol("extent")
    let branch = Branch(
      then: graph(1), otherwise: graph(2), shapes: [[Dim(symbol: extent)], []],
      extents: [BranchExtent(symbol: extent, then: 1, otherwise: 2)])
    return b.add(.branch(branch), [condition, x])
  },
  SampleGraph("scan that stops early") { b in
    var inner = GraphBuilder(inside: b)
    _ = inner.input(TensorType(.i64, []))
    let goesOn = inner.input(TensorType(.bool, []))
    let body = inner.finish(outputs: [goesOn])
    let scan = Scan(
      length: 5, carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [], stopsEarly: true, body: body)
    return b.add(.scan(scan), [b.input(TensorType(.bool, []))])
  },
]

/// Adds a large constant to the state, with an inner scan over the same steps if there is one.
private func scan(length: Dim, inner: Scan?) -> Scan {
  var b = GraphBuilder()
  _ = b.input(TensorType(.i64, []))
  var state = b.input(TensorType(.f32, [2]))
  let slice = b.input(TensorType(.f32, [2]))
  let whole = b.constant(ConstantTensor(.f32, dims: [3, 2], doubles: [1, 2, 3, 4, 5, length == 3 ? .nan : 6]))
  let large = b.constant(
    ConstantTensor(.i32, dims: [length.constant ?? 0, 4], integers: Array(0..<(length.constant ?? 0) * 4)))
  if let inner { state = b.add(.scan(inner), [state, whole])[0] }
  return Scan(
    length: length, carried: 1, scanned: 1, reversedInputs: [inner == nil], reversedOutputs: [true, false],
    body: b.finish(outputs: [state, slice, large]))
}

extension GraphBuilder {
  /// The first elements.
  fileprivate mutating func pick(_ x: ValueID, _ count: Int) -> ValueID {
    var body = ScalarGraph()
    body.results = [body.read(0, [body.axis(0)], type: .f32)]
    return map([Dim(count)], body, [x])
  }
}

extension ScalarGraph {
  fileprivate mutating func exponential(_ a: ScalarID) -> ScalarID { unary(.exp, a) }
}
