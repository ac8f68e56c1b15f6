import EmitLLVM
import LoopIR
import ModelHost
import Schedule
import Support

/// What this machine does at best with the vectors of a target, measured with code of this compiler.
public struct MachinePeaks: Sendable {
  /// Operations on `f32` numbers per second of all threads together; a product added to a sum counts as two.
  public var operations = 0.0
  /// The same for numbers that processors multiply in groups, where this one does: `bf16`, and bytes.
  public var pairOperations: Double?
  public var byteOperations: Double?
  /// Bytes per second that all threads together read, by the bytes that they read again and again, in rising order.
  public var reading: [(footprint: Int, rate: Double)] = []

  /// The least seconds that operations and accesses to memory can take at the same time.
  ///
  /// `footprint` is the number of bytes among which accesses of a kind go around.
  public func floor(
    operations count: Double, of factors: FactorKind, accesses: [(bytes: Double, footprint: Double)]
  ) -> Double {
    max(count / operations(of: factors), accesses.reduce(0) { $0 + $1.bytes / rate($1.footprint) })
  }

  private func operations(of factors: FactorKind) -> Double {
    switch factors {
    case .numbers: operations
    case .pairs(let products): pairOperations.map { $0 / Double(products) } ?? operations
    case .bytes: byteOperations ?? operations
    }
  }

  /// The rate for the largest footprint measured that is not above the given one.
  private func rate(_ footprint: Double) -> Double {
    (reading.last { Double($0.footprint) <= footprint } ?? reading[0]).rate
  }

  /// Measures with as many threads as the model has, reading up to as many bytes as it does.
  init(
    _ processor: Processor, threads: Int, footprint largest: Int, factors: Set<FactorKind>
  ) throws(ModelError) {
    let lanes = max(1, processor.target.lanes(4))
    let pool = threads > 1 ? try HostThreads(count: threads) : nil
    func model(_ body: [Statement]) throws(ModelError) -> JITModel {
      let program = peakProgram(body, lanes: lanes, parts: threads)
      return try JITModel([ProgramVariant(name: "", program: program, options: processor.codegen)])
    }
    let footprints = Self.footprints.prefix { $0 <= Self.usualFootprint || $0 < 2 * largest }
    let memory = Memory(elements: (footprints.last ?? 0) / 4, outputs: lanes * threads)
    func rate(_ loop: [Statement], operations: Int) throws(ModelError) -> Double {
      let turns = 200_000
      let seconds = memory.leastSeconds(
        try model(loop), elements: accumulators * lanes, turns: turns, pool, repetitions: 50)
      return Double(operations * turns * threads) / seconds
    }
    operations = try rate(productLoop(lanes), operations: 2 * accumulators * lanes)
    if let unit = processor.target.pairUnit, factors.contains(where: \.isPairs) {
      let loop = GroupLoop(unit, sums: .f32, groupSize: 2, lanes)
      pairOperations = try rate(loop.statements, operations: loop.operations)
    }
    if let unit = processor.target.byteUnit, factors.contains(.bytes) {
      let loop = GroupLoop(unit, sums: .i32, groupSize: 4, lanes)
      byteOperations = try rate(loop.statements, operations: loop.operations)
    }
    let reads = try model(readLoop(lanes))
    for footprint in footprints {
      let turns = max(1, (1 << 24) / footprint)
      let elements = footprint / 4 / threads / (accumulators * lanes) * (accumulators * lanes)
      guard elements > 0 else { continue }
      let seconds = memory.leastSeconds(reads, elements: elements, turns: turns, pool, repetitions: 8)
      reading.append((footprint, Double(elements * 4 * threads * turns) / seconds))
    }
    // What reads more can be no faster; where it seems to be, the other measurement was disturbed.
    for index in reading.indices.dropLast().reversed() {
      reading[index].rate = max(reading[index].rate, reading[index + 1].rate)
    }
  }

  /// From what a first-level cache holds to what none keeps any part of.
  private static let footprints = (14...29).map { 1 << $0 }
  /// More than most caches hold.
  private static let usualFootprint = 1 << 27
}

/// Sums that go on at the same time: enough for the latency of additions and products, and few enough for 16 registers.
private let accumulators = 12

/// The vectors and positions of both loops, and the symbols with which a call says how much to do.
private let source = Buffer(id: 0, element: .f32)
private let result = Buffer(id: 1, element: .f32)
private let part = Variable(id: 0, type: ValueType(.i64))
private let turn = Variable(id: 1, type: ValueType(.i64))
private let position = Variable(id: 2, type: ValueType(.i64))
private let elements = Expr.symbol("elements")
private let turns = Expr.symbol("turns")

private func sum(_ index: Int, _ lanes: Int) -> Variable {
  Variable(id: 3 + index, type: ValueType(.f32, lanes: lanes))
}

private func vector(_ index: Expr, _ lanes: Int) -> Expr { .load(source, index: index, lanes: lanes, count: nil) }

/// Products with one vector added to sums that do not wait for each other.
private func productLoop(_ lanes: Int) -> [Statement] {
  let factor = Variable(id: 3 + accumulators, type: ValueType(.f32, lanes: lanes))
  let steps = (0..<accumulators).map { index -> Statement in
    let variable = Expr.variable(sum(index, lanes))
    return .assign(sum(index, lanes), .multiplyAdd(variable, .variable(factor), .variable(factor)))
  }
  return [
    .bind(factor, vector(.index(0), lanes)), .loop(Loop(turn, from: .index(0), to: turns, body: steps)),
  ]
}

/// Products of groups of numbers added to sums that do not wait for each other.
private struct GroupLoop {
  var statements: [Statement]
  /// Operations of one turn.
  var operations: Int

  init(_ unit: GroupUnit, sums: ElementType, groupSize: Int, _ lanes: Int) {
    switch unit {
    case .vectors:
      statements = Self.vectors(sums, lanes)
      operations = 2 * accumulators * lanes * groupSize
    case .tiles:
      statements = Self.tiles(sums)
      operations = 2 * Self.tileSums * 16 * 16 * 16 * groupSize
    }
  }

  private static func vectors(_ element: ElementType, _ lanes: Int) -> [Statement] {
    let factor = Variable(id: 3 + accumulators, type: ValueType(.u32, lanes: lanes))
    let sums = (0..<accumulators).map { Variable(id: 4 + accumulators + $0, type: ValueType(element, lanes: lanes)) }
    let zero = Expr.splat(element.isFloat ? .float(0, element) : .integer(0, element), lanes: lanes)
    let steps = sums.map { sum in
      Statement.assign(sum, .multiplyAddGroups(.variable(factor), .variable(factor), .variable(sum)))
    }
    let total = sums.dropFirst().reduce(Expr.variable(sums[0])) { .binary(.add, $0, .variable($1)) }
    let kept = Expr.binary(.add, .variable(sum(0, lanes)), element == .f32 ? total : .cast(.f32, total))
    return [.bind(factor, .bitcast(.u32, vector(.index(0), lanes)))] + sums.map { .declare($0, zero) }
      + [.loop(Loop(turn, from: .index(0), to: turns, body: steps)), .assign(sum(0, lanes), kept)]
  }

  /// Sums of products of two tiles with two others.
  private static let tileSums = 4

  private static func tiles(_ element: ElementType) -> [Statement] {
    let shape = TileShape(rows: .index(16), columns: 16)
    let steps = (0..<tileSums).map {
      Statement.tile(.multiplyAdd(element, sum: $0, left: tileSums + $0 / 2, right: tileSums + 2 + $0 % 2))
    }
    return [
      .tile(.configure(Array(repeating: shape, count: tileSums + 4))),
      .loop(Loop(turn, from: .index(0), to: turns, body: steps)), .tile(.release),
    ]
  }
}

extension FactorKind {
  fileprivate var isPairs: Bool { if case .pairs = self { true } else { false } }
}

/// Additions of everything that a part reads.
private func readLoop(_ lanes: Int) -> [Statement] {
  let start = Expr.binary(.multiply, .variable(part), elements)
  let steps = (0..<accumulators).map { index -> Statement in
    let place = Expr.binary(.add, .binary(.add, start, .variable(position)), .index(index * lanes))
    return .assign(sum(index, lanes), .binary(.add, .variable(sum(index, lanes)), vector(place, lanes)))
  }
  let pass = Loop(position, from: .index(0), to: elements, by: accumulators * lanes, body: steps)
  return [.loop(Loop(turn, from: .index(0), to: turns, body: [.loop(pass)]))]
}

/// A program that runs a loop over sums in every part and keeps the sums.
private func peakProgram(_ loop: [Statement], lanes: Int, parts: Int) -> Program {
  let declared = (0..<accumulators).map { Statement.declare(sum($0, lanes), vector(.index($0 * lanes), lanes)) }
  let total = (1..<accumulators).reduce(Expr.variable(sum(0, lanes))) {
    .binary(.add, $0, .variable(sum($1, lanes)))
  }
  let stored = Statement.store(
    result, index: .binary(.multiply, .variable(part), .index(lanes)), value: total, count: nil)
  let whole = Expr.binary(.max, .binary(.multiply, elements, .index(parts)), .index(accumulators * lanes))
  var program = Program(
    prefix: "peak", inputs: [Port(name: "x", element: .f32, extents: [Extent(whole, text: "x")])],
    outputs: [Port(name: "y", element: .f32, extents: [Extent(.index(lanes * parts), text: "y")])])
  program.symbols = ["elements", "turns"]
  program.parts = parts
  program.kernels = [
    Kernel(
      name: "loop",
      parameters: [Parameter(source, access: .read, alignment: 4), Parameter(result, access: .write, alignment: 4)],
      scalars: [part], body: declared + loop + [stored])
  ]
  program.storage = [.input(0), .output(0)]
  func call(_ part: Expr) -> Statement {
    .call(kernel: 0, arguments: [Argument(source), Argument(result)], scalars: [part])
  }
  program.entry = parts == 1
    ? [call(.index(0))]
    : [.loop(Loop(part, from: .index(0), to: .index(parts), kind: .parallel, body: [call(.variable(part))]))]
  return program
}

/// Memory that the loops read, all zeros, and write.
private final class Memory {
  private let input: UnsafeMutableRawPointer
  private var outputs: [UnsafeMutableRawPointer?]

  init(elements: Int, outputs: Int) {
    input = .allocate(byteCount: elements * 4, alignment: 64)
    input.initializeMemory(as: UInt8.self, repeating: 0, count: elements * 4)
    self.outputs = [.allocate(byteCount: outputs * 4, alignment: 64)]
  }

  deinit {
    input.deallocate()
    for output in outputs { output?.deallocate() }
  }

  func leastSeconds(
    _ model: JITModel, elements: Int, turns: Int, _ threads: HostThreads?, repetitions: Int
  ) -> Double {
    var least = Double.infinity
    var dims: [Int64] = [0]
    let memory = HostMemory()
    for _ in 0..<repetitions {
      let start = monotonicSeconds()
      _ = model.run(
        arena: nil, inputs: [UnsafeRawPointer(input)], outputs: &outputs, symbols: [Int64(elements), Int64(turns)],
        dims: &dims, memory: memory, threads: threads)
      least = min(least, monotonicSeconds() - start)
    }
    return least
  }
}
