import LoopIR
import Support
import TensorIR
public import Tuning

/// What lowering tells of memory, in bytes; with symbolic dimensions, for sample values of them.
public struct MemoryReport: Hashable, Sendable {
  public var arena: Int
  /// The largest sum of bytes live at one step.
  public var lowerBound: Int
  public var constants: Int
  public var inputs: Int
  public var outputs: Int
  /// The names of the processors that there is code for, the richest first; empty for one.
  public var processors: [String] = []
}

/// Lowers a graph to a program: kernels, memory plan and entry.
///
/// Kernels with much to do are divided into as many parts as there are threads. A program that is measured calls the
/// functions of `Measurement` around each of the groups that are returned.
public func schedule(
  _ graph: Graph, inputs: [Port], outputs: [Port], prefix: String, target: Target, threads: Int = 1,
  isMeasured: Bool = false
) throws(ModelError) -> (Program, MemoryReport, groups: [Group]) {
  var choices = Choices()
  return try schedule(
    graph, inputs: inputs, outputs: outputs, prefix: prefix, target: target, threads: threads, isMeasured: isMeasured,
    choices: &choices)
}

/// With choices that were measured.
public func schedule(
  _ graph: Graph, inputs: [Port], outputs: [Port], prefix: String, target: Target, threads: Int, isMeasured: Bool,
  choices: inout Choices
) throws(ModelError) -> (Program, MemoryReport, groups: [Group]) {
  var lowering = Lowering(graph, target: target, threads: threads, isMeasured: isMeasured, choices: choices)
  let steps = try lowering.lower(graph)
  choices = lowering.choices
  let bounds = SizeBounds(steps.graph)
  var assembler = Assembler(program: Program(prefix: prefix, inputs: inputs, outputs: outputs), bounds: bounds)
  assembler.program.kernels = lowering.kernels
  assembler.pieces = lowering.pieces
  assembler.program.parts = lowering.kernels.contains { !$0.scalars.isEmpty } ? threads : 1
  assembler.program.symbols = inputSymbols(graph)
  assembler.program.measured = steps.measuredSymbols
  for (position, output) in steps.graph.outputs.enumerated() {
    assembler.program.outputs[position].memory = outputMemory(steps.graph.shape(of: output), bounds)
  }
  var places: [ValueID: Argument] = [:]
  for (position, input) in steps.graph.inputs.enumerated() {
    places[input] = assembler.buffer(.input(position), steps.graph.type(of: input).element.storage)
  }
  var copies: [Statement] = []
  for (position, output) in steps.graph.outputs.enumerated() {
    let element = steps.graph.type(of: output).element.storage
    let place = assembler.buffer(.output(position), element)
    let root = steps.root(output)
    let isAcquired = assembler.program.outputs[position].memory == .acquired
    if places[root] == nil && steps.constants[root] == nil {
      places[root] = place
      if isAcquired { assembler.unbounded[root] = place.buffer }
    } else {
      if isAcquired { copies.append(assembler.acquire(place.buffer, steps.graph.type(of: output))) }
      copies.append(assembler.copy(to: place, from: root, steps, places))
    }
  }
  let plan = assembler.plan(steps, placed: places)
  places.merge(assembler.arenaPlaces(steps, plan, base: 0)) { given, _ in given }
  let updated = steps.updatedInputs(assembler.program.outputs.map { $0.memory == .exact })
  for (output, input) in updated.enumerated() { assembler.program.outputs[output].updates = input }
  assembler.program.entry =
    dimensionChecks(assembler.program.symbols) + assembler.statements(steps, plan, base: 0, places) + copies
  assembler.program.arenaBytes = plan.memory.bytes.expr
  let constants = assembler.program.constants.reduce(0) { $0 + $1.bytes.count }
  let report = MemoryReport(
    arena: plan.memory.sample, lowerBound: plan.memory.lowerBound, constants: constants,
    inputs: graph.inputs.reduce(0) { $0 + MemoryPlan.sample(assembler.bytes(graph.type(of: $1))) },
    outputs: graph.outputs.reduce(0) { $0 + MemoryPlan.sample(assembler.bytes(graph.type(of: $1))) })
  return (assembler.program, report, assembler.groups)
}

/// The symbols of the inputs, in order of their first appearance.
private func inputSymbols(_ graph: Graph) -> [String] {
  var symbols: [String] = []
  for input in graph.inputs {
    for dim in graph.shape(of: input) {
      for symbol in dim.symbols.sorted() where !symbols.contains(symbol) { symbols.append(symbol) }
    }
  }
  return symbols
}

private func outputMemory(_ shape: [Dim], _ bounds: SizeBounds) -> OutputMemory {
  guard shape.contains(where: bounds.isMeasured) else { return .exact }
  return bounds.bound(shape.product).map { .upTo($0.expr) } ?? .acquired
}

/// Leaves if the caller gives a negative dimension.
private func dimensionChecks(_ symbols: [String]) -> [Statement] {
  symbols.map { fail(.badDimension, if: .compare(.less, .symbol($0), .index(0))) }
}

private func fail(_ status: Status, if condition: Expr) -> Statement {
  .conditional(condition, then: [.fail(status: status.rawValue)], otherwise: [])
}

/// Where everything of one graph lies in the arena, relative to the graph's base.
struct GraphPlan {
  var memory: MemoryPlan
  /// Byte offsets of values by their root.
  var offsets: [ValueID: Dim]
  /// Byte offsets of the scratch areas of each step, and of a scan's body; nil for areas without a bound.
  var scratch: [[Dim?]]
  var bodies: [Int: [GraphPlan]]
}

/// Builds the entry from steps.
struct Assembler {
  var program: Program
  /// The pieces of the parts of every kernel.
  var pieces: [Int] = []
  /// Buffers of values whose memory is acquired when they are first written.
  var unbounded: [ValueID: Buffer] = [:]
  /// What a program that is measured calls, in the order of its numbers.
  var groups: [Group] = []
  private let bounds: SizeBounds
  private var constantNumbers: [ConstantTensor: Buffer] = [:]
  private var nextVariable = 0

  init(program: Program, bounds: SizeBounds) {
    self.program = program
    self.bounds = bounds
  }

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

  func bytes(_ type: TensorType) -> Dim { type.shape.product * type.element.storage.bytes }

  /// Gets memory for a value of the given type.
  func acquire(_ buffer: Buffer, _ type: TensorType) -> Statement { .acquire(buffer, bytes: bytes(type).expr) }

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
    return Argument(place.buffer, offset: place.offset + .index(steps.offset(value)))
  }

  // MARK: Plan

  mutating func plan(_ steps: Steps, placed: [ValueID: Argument]) -> GraphPlan {
    var lifetimes: [Lifetime] = []
    var pieces: [ValueID: Int] = [:]
    var scratchPieces: [[Int?]] = []
    var bodies: [Int: [GraphPlan]] = [:]
    func touch(_ value: ValueID, _ step: Int) {
      let root = steps.root(value)
      guard steps.constants[root] == nil, placed[root] == nil else { return }
      if let piece = pieces[root] {
        lifetimes[piece].last = step
      } else if let bytes = bounds.bound(bytes(steps.graph.type(of: root))) {
        pieces[root] = lifetimes.count
        lifetimes.append(Lifetime(bytes, first: step, last: step))
      }
    }
    let lastReads = steps.lastReads()
    for (number, step) in steps.steps.enumerated() {
      for (operand, result) in steps.replaced(by: step) where lastReads[operand] == number {
        guard placed[result] == nil, pieces[result] == nil, let piece = pieces[operand], lifetimes[piece].last < number
        else { continue }
        pieces[result] = piece
        lifetimes[piece].last = number
      }
      for value in step.writes + step.reads { touch(value, number) }
      var scratch: [Int?] = []
      switch step.action {
      case .view, .measure, .assume, .external: break
      case .call(_, let bindings):
        for case .scratch(let bytes) in bindings {
          let bound = bounds.bound(bytes)
          scratch.append(bound == nil ? nil : lifetimes.count)
          if let bound { lifetimes.append(Lifetime(bound, first: number, last: number)) }
        }
      case .scan(let scan):
        let body = planBody(scan.body)
        bodies[number] = [body]
        scratch.append(lifetimes.count)
        var lifetime = Lifetime(body.memory.bytes + MemoryPlan.alignment, first: number, last: number)
        lifetime.sample = body.memory.sample + MemoryPlan.alignment
        lifetimes.append(lifetime)
        for state in scan.crossingStates {
          let bound = bounds.bound(bytes(scan.body.graph.type(of: scan.body.graph.outputs[state])))
          scratch.append(bound == nil ? nil : lifetimes.count)
          if let bound { lifetimes.append(Lifetime(bound, first: number, last: number)) }
        }
      case .branch(let choice):
        let plans = [planBody(choice.then), planBody(choice.otherwise)]
        bodies[number] = plans
        scratch.append(lifetimes.count)
        var lifetime = Lifetime(.maximum(plans[0].memory.bytes, plans[1].memory.bytes), first: number, last: number)
        lifetime.sample = max(plans[0].memory.sample, plans[1].memory.sample)
        lifetimes.append(lifetime)
      }
      scratchPieces.append(scratch)
    }
    for output in steps.graph.outputs { touch(output, steps.steps.count) }
    let memory = MemoryPlan(lifetimes, derived: &program.derived)
    return GraphPlan(
      memory: memory, offsets: pieces.mapValues { memory.offsets[$0] },
      scratch: scratchPieces.map { $0.map { $0.map { memory.offsets[$0] } } }, bodies: bodies)
  }

  /// The plan of a body, whose inputs lie elsewhere.
  private mutating func planBody(_ body: Steps) -> GraphPlan {
    let elsewhere = Argument(Buffer(id: 0, element: .u8))
    return plan(body, placed: Dictionary(uniqueKeysWithValues: body.graph.inputs.map { ($0, elsewhere) }))
  }

  // MARK: Entry

  /// Buffers for the values that a plan puts into the arena, and for those without a bound.
  mutating func arenaPlaces(_ steps: Steps, _ plan: GraphPlan, base: Dim) -> [ValueID: Argument] {
    var places: [ValueID: Argument] = [:]
    for (value, offset) in plan.offsets.sorted(by: { $0.key < $1.key }) {
      places[value] = buffer(.arena(offset: (base + offset).expr), steps.graph.type(of: value).element.storage)
    }
    return places
  }

  /// Gives a value memory before its first step writes it, if it has none in the arena.
  private mutating func acquireMemory(
    _ value: ValueID, _ steps: Steps, _ places: inout [ValueID: Argument], _ acquired: inout Set<ValueID>
  ) -> [Statement] {
    let root = steps.root(value)
    guard steps.constants[root] == nil, acquired.insert(root).inserted else { return [] }
    let type = steps.graph.type(of: root)
    if let place = places[root] {
      return unbounded[root] == place.buffer ? [acquire(place.buffer, type)] : []
    }
    let place = buffer(.acquired, type.element.storage)
    places[root] = place
    return [acquire(place.buffer, type)]
  }

  /// The actions of a graph whose values, constants and those without a bound aside, all have places.
  mutating func statements(_ steps: Steps, _ plan: GraphPlan, base: Dim, _ given: [ValueID: Argument]) -> [Statement] {
    var places = given
    return statements(steps, plan, base: base, &places)
  }

  mutating func statements(_ steps: Steps, _ plan: GraphPlan, base: Dim, _ places: inout [ValueID: Argument]) -> [Statement] {
    var acquired: Set<ValueID> = []
    var statements: [Statement] = []
    for (number, step) in steps.steps.enumerated() {
      if case .branch = step.action {} else {
        for value in step.writes { statements += acquireMemory(value, steps, &places, &acquired) }
      }
      switch step.action {
      case .view: break
      case .measure(let symbols):
        let vector = place(step.reads[0], steps, places)
        for (position, symbol) in symbols.enumerated() {
          let element = Expr.load(vector.buffer, index: vector.offset + .index(position), lanes: 1, count: nil)
          statements.append(.define(symbol, element))
          statements.append(fail(.badDimension, if: .compare(.less, .symbol(symbol), .index(0))))
        }
      case .assume(let assumption):
        for fact in assumption.facts {
          let isBroken: CompareOp = fact.relation == .equal ? .notEqual : .greater
          statements.append(fail(assumption.status, if: .compare(isBroken, fact.left.expr, fact.right.expr)))
        }
      case .external(let external):
        statements += measured([call(external, step, steps, places)], external.function.name, step)
      case .branch(let choice):
        guard let plans = plan.bodies[number], let place = plan.scratch[number][0] else { fatalError("branch without a plan") }
        statements += branch(choice, plans, base + place, steps, &places)
        for value in step.writes { acquired.insert(steps.root(value)) }
      case .call(let kernel, let bindings):
        var scratch = plan.scratch[number].makeIterator()
        var arguments: [Argument] = []
        for (position, binding) in bindings.enumerated() {
          switch binding {
          case .value(let value): arguments.append(place(value, steps, places))
          case .constant(let tensor): arguments.append(constant(tensor))
          case .scratch(let bytes):
            let element = program.kernels[kernel].parameters[position].buffer.element
            if let offset = scratch.next() ?? nil {
              arguments.append(buffer(.arena(offset: (base + offset).expr), element))
            } else {
              arguments.append(buffer(.acquired, element))
              statements.append(.acquire(arguments[position].buffer, bytes: bytes.expr))
            }
          }
        }
        noteCoinciding(arguments, of: kernel)
        let first = step.copiesFirst
          ? [copy(to: place(step.writes[0], steps, places), from: step.reads[0], steps, places)] : []
        statements += measured(first + [call(kernel, arguments)], program.kernels[kernel].name, step)
      case .scan(let scan):
        guard let body = plan.bodies[number]?[0], let place = plan.scratch[number][0] else { fatalError("scan without a plan") }
        let spare = plan.scratch[number].dropFirst().map { $0.map { base + $0 } }
        statements += self.scan(scan, body, base + place, spare, steps, places)
      }
    }
    return statements
  }

  /// Notes which parameters of a kernel have the same memory in a call.
  private mutating func noteCoinciding(_ arguments: [Argument], of kernel: Int) {
    for (position, argument) in arguments.enumerated() where program.kernels[kernel].parameters[position].access != .read {
      for (other, second) in arguments.enumerated() where program.mayCoincide(argument.buffer, second.buffer) {
        program.kernels[kernel].parameters[position].mayCoincide = true
        program.kernels[kernel].parameters[other].mayCoincide = true
      }
    }
  }

  /// A call of a kernel, or of all its parts.
  private mutating func call(_ kernel: Int, _ arguments: [Argument]) -> Statement {
    guard !program.kernels[kernel].scalars.isEmpty else { return .call(kernel: kernel, arguments: arguments, scalars: []) }
    return DividedCall(kernel: kernel, arguments: arguments, parts: program.parts, pieces: pieces[kernel])
      .statement(part: index(), piece: index())
  }

  /// A new variable for positions.
  private mutating func index() -> Variable {
    defer { nextVariable += 1 }
    return Variable(id: nextVariable, type: ValueType(.i64))
  }

  /// The position of a function of the program, which is added if it is not there.
  mutating func number(of function: ExternalFunction) -> Int {
    if let known = program.externals.firstIndex(of: function) { return known }
    program.externals.append(function)
    return program.externals.count - 1
  }

  private mutating func call(
    _ external: External, _ step: Step, _ steps: Steps, _ places: [ValueID: Argument]
  ) -> Statement {
    let number = number(of: external.function)
    var arguments: [LoopIR.ExternalArgument] = []
    for argument in external.arguments {
      switch argument {
      case .operand(let position): arguments.append(.place(place(step.reads[position], steps, places)))
      case .result(let position): arguments.append(.place(place(step.writes[position], steps, places)))
      case .absent: arguments.append(.absent)
      case .integer(let value): arguments.append(.value(.index(value)))
      case .float(let value): arguments.append(.value(.float(Double(value), .f32)))
      }
    }
    return .external(function: number, arguments: arguments)
  }

  private mutating func branch(
    _ choice: BranchSteps, _ plans: [GraphPlan], _ base: Dim, _ steps: Steps, _ places: inout [ValueID: Argument]
  ) -> [Statement] {
    var homes: [(place: Argument, isAcquired: Bool)] = []
    for result in choice.results {
      let root = steps.root(result)
      let isPlaced = places[root] != nil
      let home = places[root] ?? buffer(.acquired, steps.graph.type(of: result).element.storage)
      places[root] = home
      homes.append((home, !isPlaced || unbounded[root] == home.buffer))
    }
    func statements(_ body: Steps, _ plan: GraphPlan, _ extent: KeyPath<BranchExtent, Dim>) -> [Statement] {
      var inner: [ValueID: Argument] = [:]
      for (input, operand) in zip(body.graph.inputs, choice.operands.dropFirst()) {
        inner[input] = place(operand, steps, places)
      }
      inner.merge(arenaPlaces(body, plan, base: base)) { given, _ in given }
      var result = self.statements(body, plan, base: base, &inner)
      for symbol in choice.branch.extents { result.append(.define(symbol.symbol, symbol[keyPath: extent].expr)) }
      for (output, home) in zip(body.graph.outputs, homes) {
        if home.isAcquired { result.append(acquire(home.place.buffer, body.graph.type(of: output))) }
        result.append(copy(to: home.place, from: output, body, inner))
      }
      return result
    }
    let condition = place(choice.operands[0], steps, places)
    return [
      .conditional(
        .load(condition.buffer, index: condition.offset, lanes: 1, count: nil),
        then: statements(choice.then, plans[0], \.then), otherwise: statements(choice.otherwise, plans[1], \.otherwise))
    ]
  }

  private mutating func scan(
    _ scan: ScanSteps, _ plan: GraphPlan, _ base: Dim, _ spare: [Dim?], _ steps: Steps, _ places: [ValueID: Argument]
  ) -> [Statement] {
    let graph = scan.body.graph
    let step = index()
    let carried = scan.scan.carried
    let counter = buffer(.arena(offset: base.expr), .i64)
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
    body += statements(scan.body, plan, base: bodyBase, &inner)
    for (position, output) in graph.outputs.enumerated().dropFirst(carried) {
      let whole = place(scan.results[position], steps, places)
      let reversed = scan.scan.reversedOutputs[position - carried]
      let target = slice(whole, graph.type(of: output), reversed: reversed)
      body.append(copy(to: target, from: output, scan.body, inner))
    }
    let crossing = scan.crossingStates
    var after: [Statement] = []
    for (state, offset) in zip(crossing, spare) {
      let output = graph.outputs[state]
      let type = graph.type(of: output)
      let aside = buffer(offset.map { .arena(offset: $0.expr) } ?? .acquired, type.element.storage)
      if offset == nil { before.append(acquire(aside.buffer, type)) }
      body.append(copy(to: aside, from: output, scan.body, inner))
      let home = place(scan.results[state], steps, places)
      after.append(
        .copy(
          to: home.buffer, index: home.offset, from: aside.buffer, fromIndex: aside.offset,
          count: type.shape.product.expr))
    }
    for state in 0..<carried where !crossing.contains(state) {
      let output = graph.outputs[state]
      if scan.body.root(output) != graph.inputs[1 + state] {
        body.append(copy(to: place(scan.results[state], steps, places), from: output, scan.body, inner))
      }
    }
    body += after
    // Memory that every step asks for in the same size is asked for once.
    let inside = Set(scan.body.measuredSymbols)
    func isSame(_ statement: Statement) -> Bool {
      if case .acquire = statement { [statement].symbols.isDisjoint(with: inside) } else { false }
    }
    before += body.filter(isSame)
    body.removeAll(where: isSame)
    guard scan.scan.stopsEarly else {
      return before + [.loop(Loop(step, from: .index(0), to: scan.scan.length.expr, body: body))]
    }
    let condition = place(scan.results[0], steps, places)
    let goesOn = Expr.binary(
      .and, .compare(.less, .variable(step), scan.scan.length.expr),
      .load(condition.buffer, index: condition.offset, lanes: 1, count: nil))
    return before + [.declare(step, .index(0)), .whileLoop(goesOn, body: body + [.assign(step, .variable(step) + .index(1))])]
  }
}
