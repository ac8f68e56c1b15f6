import LoopIR
import Support
import TensorIR

/// What lowering tells of memory, in bytes.
public struct MemoryReport: Hashable, Sendable {
  public var arena: Int
  /// The largest sum of bytes live at one step.
  public var lowerBound: Int
  public var constants: Int
  public var inputs: Int
  public var outputs: Int
}

/// Lowers a graph to a program: kernels, memory plan and entry.
///
/// - Throws: `ModelError.unsupported` if a dimension is symbolic.
public func schedule(_ graph: Graph, inputs: [Port], outputs: [Port], prefix: String, target: Target)
  throws(ModelError) -> (Program, MemoryReport)
{
  try requireConstantShapes(graph)
  var lowering = Lowering(target: target)
  let steps = try lowering.lower(graph)
  var assembler = Assembler(program: Program(prefix: prefix, inputs: inputs, outputs: outputs))
  assembler.program.kernels = lowering.kernels
  var places: [ValueID: Argument] = [:]
  for (position, input) in steps.graph.inputs.enumerated() {
    places[input] = assembler.buffer(.input(position), steps.graph.type(of: input).element.storage)
  }
  var copies: [Statement] = []
  for (position, output) in steps.graph.outputs.enumerated() {
    let element = steps.graph.type(of: output).element.storage
    let place = assembler.buffer(.output(position), element)
    let root = steps.root(output)
    if places[root] == nil && steps.constants[root] == nil {
      places[root] = place
    } else {
      copies.append(assembler.copy(to: place, from: root, steps, places))
    }
  }
  let plan = assembler.plan(steps, placed: places)
  places.merge(assembler.arenaPlaces(steps, plan, base: 0)) { given, _ in given }
  assembler.program.entry = assembler.statements(steps, plan, base: 0, places) + copies
  assembler.program.arenaBytes = .index(plan.memory.bytes)
  let constants = assembler.program.constants.reduce(0) { $0 + $1.bytes.count }
  let report = MemoryReport(
    arena: plan.memory.bytes, lowerBound: plan.memory.lowerBound, constants: constants,
    inputs: graph.inputs.reduce(0) { $0 + assembler.bytes(graph.type(of: $1)) },
    outputs: graph.outputs.reduce(0) { $0 + assembler.bytes(graph.type(of: $1)) })
  return (assembler.program, report)
}

private func requireConstantShapes(_ graph: Graph) throws(ModelError) {
  var symbols = Set<String>()
  for value in graph.values { for dim in value.type.shape { symbols.formUnion(dim.symbols) } }
  guard symbols.isEmpty else {
    let names = symbols.sorted().joined(separator: ", ")
    throw .unsupported("dimensions \(names) are symbolic", hint: "bind them with --dim \(symbols.sorted().map { "\($0)=N" }.joined(separator: ","))")
  }
}

/// Where everything of one graph lies in the arena, relative to the graph's base.
struct GraphPlan {
  var memory: MemoryPlan
  /// Byte offsets of values by their root.
  var offsets: [ValueID: Int]
  /// Byte offsets of the scratch areas of each step, and of a scan's body.
  var scratch: [[Int]]
  var bodies: [Int: GraphPlan]
}

/// Builds the entry from steps.
struct Assembler {
  var program: Program
  private var constantNumbers: [ConstantTensor: Buffer] = [:]
  private var nextVariable = 0

  init(program: Program) { self.program = program }

  mutating func buffer(_ storage: Storage, _ element: ElementType) -> Argument {
    program.storage.append(storage)
    return Argument(Buffer(id: program.storage.count - 1, element: element))
  }

  private mutating func constant(_ tensor: ConstantTensor) -> Argument {
    if let existing = constantNumbers[tensor] { return Argument(existing) }
    program.constants.append(ConstantData(element: tensor.type.element.storage, bytes: tensor.bytes))
    let argument = buffer(.constant(program.constants.count - 1), tensor.type.element.storage)
    constantNumbers[tensor] = argument.buffer
    return argument
  }

  func bytes(_ type: TensorType) -> Int {
    (type.shape.product.constant ?? 0) * type.element.storage.bytes
  }

  /// The copy of a value to a place.
  mutating func copy(to place: Argument, from value: ValueID, _ steps: Steps, _ places: [ValueID: Argument]) -> Statement {
    let source = self.place(value, steps, places)
    let count = steps.graph.shape(of: value).product.expr
    return .copy(to: place.buffer, index: place.offset, from: source.buffer, fromIndex: source.offset, count: count)
  }

  private mutating func place(_ value: ValueID, _ steps: Steps, _ places: [ValueID: Argument]) -> Argument {
    let root = steps.root(value)
    if let constant = steps.constants[root] { return self.constant(constant) }
    guard let place = places[root] else { fatalError("value \(root.index) has no memory") }
    return place
  }

  // MARK: Plan

  func plan(_ steps: Steps, placed: [ValueID: Argument]) -> GraphPlan {
    var lifetimes: [Lifetime] = []
    var pieces: [ValueID: Int] = [:]
    var scratchPieces: [[Int]] = []
    var bodies: [Int: GraphPlan] = [:]
    func touch(_ value: ValueID, _ step: Int) {
      let root = steps.root(value)
      guard steps.constants[root] == nil, placed[root] == nil else { return }
      if let piece = pieces[root] {
        lifetimes[piece].last = step
      } else {
        pieces[root] = lifetimes.count
        lifetimes.append(Lifetime(bytes: bytes(steps.graph.type(of: root)), first: step, last: step))
      }
    }
    for (number, step) in steps.steps.enumerated() {
      for value in step.writes + step.reads { touch(value, number) }
      var scratch: [Int] = []
      switch step.action {
      case .view: break
      case .call(_, let bindings):
        for case .scratch(let bytes) in bindings {
          scratch.append(lifetimes.count)
          lifetimes.append(Lifetime(bytes: bytes, first: number, last: number))
        }
      case .scan(let scan):
        let body = plan(scan.body, placed: Dictionary(uniqueKeysWithValues: bodyInputs(scan).map { ($0, Argument(Buffer(id: 0, element: .u8))) }))
        bodies[number] = body
        scratch.append(lifetimes.count)
        lifetimes.append(Lifetime(bytes: body.memory.bytes + MemoryPlan.alignment, first: number, last: number))
      }
      scratchPieces.append(scratch)
    }
    for output in steps.graph.outputs { touch(output, steps.steps.count) }
    let memory = MemoryPlan(lifetimes)
    return GraphPlan(
      memory: memory, offsets: pieces.mapValues { memory.offsets[$0] },
      scratch: scratchPieces.map { $0.map { memory.offsets[$0] } }, bodies: bodies)
  }

  private func bodyInputs(_ scan: ScanSteps) -> [ValueID] { scan.body.graph.inputs }

  // MARK: Entry

  /// Buffers for the values that a plan puts into the arena.
  mutating func arenaPlaces(_ steps: Steps, _ plan: GraphPlan, base: Int) -> [ValueID: Argument] {
    var places: [ValueID: Argument] = [:]
    for (value, offset) in plan.offsets.sorted(by: { $0.key < $1.key }) {
      places[value] = buffer(.arena(offset: .index(base + offset)), steps.graph.type(of: value).element.storage)
    }
    return places
  }

  /// The actions of a graph whose values, constants aside, all have places.
  mutating func statements(_ steps: Steps, _ plan: GraphPlan, base: Int, _ places: [ValueID: Argument]) -> [Statement] {
    var statements: [Statement] = []
    for (number, step) in steps.steps.enumerated() {
      switch step.action {
      case .view: break
      case .call(let kernel, let bindings):
        var scratch = plan.scratch[number].makeIterator()
        var arguments: [Argument] = []
        for (position, binding) in bindings.enumerated() {
          switch binding {
          case .value(let value): arguments.append(place(value, steps, places))
          case .constant(let tensor): arguments.append(constant(tensor))
          case .scratch:
            let element = program.kernels[kernel].parameters[position].buffer.element
            arguments.append(buffer(.arena(offset: .index(base + (scratch.next() ?? 0))), element))
          }
        }
        statements.append(.call(kernel: kernel, arguments: arguments, scalars: []))
      case .scan(let scan):
        guard let body = plan.bodies[number] else { fatalError("scan without a plan") }
        statements += self.scan(scan, body, base + plan.scratch[number][0], steps, places)
      }
    }
    return statements
  }

  private mutating func scan(
    _ scan: ScanSteps, _ plan: GraphPlan, _ base: Int, _ steps: Steps, _ places: [ValueID: Argument]
  ) -> [Statement] {
    let graph = scan.body.graph
    let step = Variable(id: nextVariable, type: ValueType(.i64))
    nextVariable += 1
    let carried = scan.scan.carried
    let counter = buffer(.arena(offset: .index(base)), .i64)
    var inner: [ValueID: Argument] = [graph.inputs[0]: counter]
    var before: [Statement] = []
    for state in 0..<carried {
      let home = place(scan.results[state], steps, places)
      before.append(copy(to: home, from: scan.operands[state], steps, places))
      inner[graph.inputs[1 + state]] = home
    }
    func slice(_ whole: Argument, _ type: TensorType, reversed: Bool) -> Argument {
      let position = reversed
        ? Expr.binary(.subtract, (scan.scan.length - 1).expr, .variable(step)) : Expr.variable(step)
      return Argument(whole.buffer, offset: whole.offset + position * type.shape.product.expr)
    }
    for position in 0..<scan.scan.scanned {
      let value = graph.inputs[1 + carried + position]
      let whole = place(scan.operands[carried + position], steps, places)
      inner[value] = slice(whole, graph.type(of: value), reversed: scan.scan.reversedInputs[position])
    }
    for (position, value) in graph.inputs.enumerated().dropFirst(1 + carried + scan.scan.scanned) {
      inner[value] = place(scan.operands[position - 1], steps, places)
    }
    var body: [Statement] = [.store(counter.buffer, index: .index(0), value: .variable(step), count: nil)]
    let bodyBase = base + MemoryPlan.alignment
    inner.merge(arenaPlaces(scan.body, plan, base: bodyBase)) { given, _ in given }
    body += statements(scan.body, plan, base: bodyBase, inner)
    for (position, output) in graph.outputs.enumerated().dropFirst(carried) {
      let whole = place(scan.results[position], steps, places)
      let reversed = scan.scan.reversedOutputs[position - carried]
      let target = slice(whole, graph.type(of: output), reversed: reversed)
      body.append(copy(to: target, from: output, scan.body, inner))
    }
    for state in 0..<carried {
      let output = graph.outputs[state]
      if scan.body.root(output) != graph.inputs[1 + state] {
        body.append(copy(to: place(scan.results[state], steps, places), from: output, scan.body, inner))
      }
    }
    return before + [.loop(Loop(step, from: .index(0), to: scan.scan.length.expr, body: body))]
  }
}
