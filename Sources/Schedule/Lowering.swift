import LoopIR
import Support
import TensorIR
import Tuning

/// Turns the nodes of graphs into kernels; equal kernels are shared.
struct Lowering {
  let target: Target
  private var threads: Int
  /// Whether steps tell their work.
  let isMeasured: Bool
  /// Whether the constants are too large to stay in the cache from one call to the next.
  private let constantsComeFromMemory: Bool
  private(set) var kernels: [Kernel] = []
  /// The pieces of the parts of every kernel.
  private(set) var pieces: [Int] = []
  private(set) var choices: Choices
  private var numbers: [Kernel: Int] = [:]

  init(_ graph: Graph, target: Target, threads: Int, isMeasured: Bool, choices: Choices = Choices()) {
    constantsComeFromMemory = graph.constantBytes > target.cacheBytes
    self.target = target
    self.threads = threads
    self.isMeasured = isMeasured
    self.choices = choices
  }

  /// Lowers all nodes of a graph, bodies included; a graph that is the body of a scan has that many states.
  mutating func lower(_ source: Graph, carried: Int = 0) throws(ModelError) -> Steps {
    try lower(assignLayouts(source), carried: carried)
  }

  private mutating func lower(_ source: LaidOutGraph, carried: Int = 0) throws(ModelError) -> Steps {
    var laidOut = source
    laidOut.halos = laidOut.findHalos { mayStride($0, $1, laidOut) }
    let copies = Set(laidOut.halos.values.map(\.copy))
    let graph = laidOut.graph
    let formulas = graph.factorFormulas { _, _ in true }
    var steps = Steps(graph: graph, steps: [], alias: [:], constants: [:], formulas: formulas)
    for (value, halo) in laidOut.halos {
      steps.alias[value] = halo.copy
      steps.offsets[value] = halo.offset
    }
    let blocks = laidOut.rowBlocks(cacheBytes: target.cacheBytes, threads: threads)
    let blockNodes = Set(blocks.flatMap(\.nodes))
    for (position, node) in graph.nodes.enumerated() {
      if blockNodes.contains(position) {
        if let ending = blocks.first(where: { $0.nodes.last == position }) {
          steps.steps.append(try blockStep(ending, node, laidOut, steps))
        }
        continue
      }
      switch node.primitive {
      case .constant(let constant): steps.constants[node.results[0]] = constant
      case .reshape:
        steps.alias[node.results[0]] = node.operands[0]
        steps.steps.append(Step(action: .view, reads: node.operands, writes: node.results, origin: node.origin))
      case .map where steps.formulas[node.results[0]] != nil: continue
      case .map(let map)
      where isCopy(map, node, laidOut) && !steps.isUnaligned(node.operands[0], for: node.results[0], laidOut):
        steps.alias[node.results[0]] = node.operands[0]
        steps.steps.append(Step(action: .view, reads: node.operands, writes: node.results, origin: node.origin))
      case .scan(let scan):
        let body = try lower(scan.body, carried: scan.carried)
        let action = Step.Action.scan(
          ScanSteps(scan: scan, operands: node.operands, results: node.results, body: body))
        var step = Step(action: action, reads: node.operands, writes: node.results, origin: node.origin)
        step.updates = scan.updates(node)
        steps.steps.append(step)
      case .branch(let branch):
        let choice = BranchSteps(
          branch: branch, operands: node.operands, results: node.results, then: try lower(branch.then),
          otherwise: try lower(branch.otherwise))
        steps.steps.append(
          Step(action: .branch(choice), reads: node.operands, writes: node.results, origin: node.origin))
      case .measure(let symbols):
        steps.steps.append(Step(action: .measure(symbols), reads: node.operands, writes: [], origin: node.origin))
      case .assume(let assumption):
        // A fact is checked as soon as what it speaks of is known, before anything relies on it.
        let symbols = node.primitive.symbols
        let known = steps.steps.lastIndex { step in
          if case .measure(let measured) = step.action { measured.contains(where: symbols.contains) } else { false }
        }
        let step = Step(action: .assume(assumption), reads: [], writes: [], origin: node.origin)
        steps.steps.insert(step, at: known.map { $0 + 1 } ?? 0)
      case .external(let external):
        steps.steps.append(
          Step(action: .external(external), reads: node.operands, writes: node.results, origin: node.origin))
      case .scatter(let scatter):
        let inPlace = steps.mayOverwrite(scatter, at: position, carried: carried)
        if inPlace { steps.alias[node.results[0]] = node.operands[0] }
        var step = kernelStep(node, laidOut, &steps)
        step.copiesFirst = !inPlace
        step.updates = scatter.updates(node)
        steps.steps.append(step)
      case .map where copies.contains(node.results[0]):
        var step = kernelStep(node, laidOut, &steps)
        step.reads.removeAll { laidOut.halos[$0]?.copy == node.results[0] }
        steps.steps.append(step)
        continue
      case .map(let map):
        var step = kernelStep(node, laidOut, &steps)
        step.updates = map.updates(node, laidOut)
        steps.steps.append(step)
      case .reduce, .contract, .sort, .compact:
        let step = kernelStep(node, laidOut, &steps)
        steps.steps.append(step)
      }
      if isMeasured, let work = Work(node, in: graph, constants: steps.constants, formulas: steps.formulas) {
        steps.steps[steps.steps.count - 1].work = work
      }
    }
    return steps
  }

  /// Summed terms of an element from which on a copy costs less than rows that end at the border.
  private static let manyTerms = 384

  /// Whether a node's kernel may write its result where a halo has it: not one of a matrix unit that multiplies split factors,
  /// which wants long rows.
  private func mayStride(_ node: Node, _ halo: Halo, _ laidOut: LaidOutGraph) -> Bool {
    switch node.primitive {
    case .map(let map): !isCopy(map, node, laidOut)
    case .reduce: node.results.count == 1
    case .contract(let contract):
      (!halo.endsRows || contract.reduced.product.constant.map { $0 < Self.manyTerms } ?? false)
        && !(target.pairUnit == .tiles
          && contract.groupSize(node.operands.prefix(2).map { laidOut.graph.type(of: $0).element }) == 2)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: false
    }
  }

  /// Whether a map only moves elements, and its layout makes the move the identity in memory.
  private func isCopy(_ map: Map, _ node: Node, _ laidOut: LaidOutGraph) -> Bool {
    guard node.operands.count == 1, case .read(_, let indices, nil) = map.body[map.body.results[0]] else { return false }
    guard laidOut.graph.shape(of: node.operands[0]).product == map.shape.product else { return false }
    return laidOut.isInPlace(indices, of: node.operands[0], in: map.body, over: map.shape, result: node.results[0])
  }

  private mutating func kernelStep(
    _ node: Node, _ laidOut: LaidOutGraph, _ steps: inout Steps
  ) -> Step {
    var scope = KernelScope(laidOut, threads: threads)
    let asked = choices.questions.count
    let body = statements(node, laidOut, &steps, &scope)
    if body.isEmpty { return Step(action: .view, reads: node.operands, writes: node.results, origin: node.origin) }
    let number = add(node.primitive.mnemonic, body, scope)
    choices.attribute(from: asked, toKernel: kernels[number].name)
    var step = Step(
      action: .call(kernel: number, bindings: scope.bindings),
      reads: node.operands.filter { steps.formulas[$0] == nil }, writes: node.results, origin: node.origin)
    if case .contract(let contract) = node.primitive, !scope.storesAgain {
      step.updates = contract.updates(node, laidOut)
    }
    return step
  }

  /// The number of a kernel, which is added if there is no equal one.
  private mutating func add(_ name: String, _ body: [Statement], _ scope: KernelScope) -> Int {
    let mayFail = Lowering.mayFail(body)
    let division = KernelDivision(body, parts: mayFail ? 1 : threads, scope, target)
    let kernel = Kernel(
      name: "\(name)\(kernels.count)", parameters: scope.builder.parameters, scalars: division.scalars,
      body: division.divided(body), mayFail: mayFail, staysScalar: scope.builder.staysScalar)
    if let existing = numbers[kernel] { return existing }
    kernels.append(kernel)
    pieces.append(division.pieces)
    numbers[kernel] = kernels.count - 1
    return kernels.count - 1
  }

  /// The step that computes a chain block by block, at the last of its nodes.
  private mutating func blockStep(
    _ blocks: RowBlocks, _ last: Node, _ laidOut: LaidOutGraph, _ around: Steps
  ) throws(ModelError) -> Step {
    let asked = choices.questions.count
    var parts: [(part: RowBlocks.Part, steps: Steps)] = []
    for part in blocks.parts { parts.append((part, try lowerForOneThread(part.block))) }
    var scope = KernelScope(laidOut, threads: threads)
    var kernel = BlockKernel(parts: parts, kernels: kernels)
    let number = add("blocks", kernel.statements(&scope), scope)
    choices.attribute(from: asked, toKernel: kernels[number].name)
    let outside = Set(blocks.parts.flatMap { $0.places.map(\.outer) }).subtracting(last.results)
    let nodes = blocks.nodes.map { laidOut.graph.nodes[$0] }
    let origins = nodes.map(\.origin).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
    var step = Step(
      action: .call(kernel: number, bindings: scope.bindings), reads: outside.sorted(), writes: last.results,
      origin: origins.joined(separator: " + "))
    if isMeasured {
      step.work = Work(chain: nodes, reading: step.reads, in: laidOut.graph, constants: around.constants)
    }
    return step
  }

  /// The steps of a block, which one thread computes whole.
  private mutating func lowerForOneThread(_ block: LaidOutGraph) throws(ModelError) -> Steps {
    let together = threads
    threads = 1
    defer { threads = together }
    return try lower(block)
  }

  private mutating func statements(
    _ node: Node, _ laidOut: LaidOutGraph, _ steps: inout Steps, _ scope: inout KernelScope
  ) -> [Statement] {
    let layout = laidOut.layouts[node.results[0].index]
    switch node.primitive {
    case .map(let map):
      let within = Set(node.operands.indices.filter { laidOut.halos[node.operands[$0]]?.copy == node.results[0] })
      let operands = node.operands.enumerated().map { number, operand in
        within.contains(number) ? unboundView(operand, laidOut) : scope.view(operand, .read)
      }
      if laidOut.groupedFactors.contains(node.results[0]), let words = PairedMap(map, operands, layout) {
        let result = scope.groups(node.results[0], PairedMap.words(unboundView(node.results[0], laidOut)), .write)
        return lowerMap(
          words.map, operands: operands, result: result, layout: words.layout, target: target, facts: laidOut.facts,
          builder: &scope.builder)
      }
      let result = scope.view(node.results[0], .write)
      return lowerMap(
        map, operands: operands, result: result, layout: layout, target: target, facts: laidOut.facts, within: within,
        builder: &scope.builder)
    case .reduce(let reduce):
      return lowerReduce(reduce, node, layout, &scope)
    case .contract(let contract):
      var tiled = tiled(contract, node, laidOut, steps)
      if tiled == nil, computeFormulas(of: node, laidOut, &steps) { tiled = self.tiled(contract, node, laidOut, steps) }
      tiled?.choose(&choices, threads: threads)
      if let statements = tiled?.lower(node.operands, node.results[0], in: &scope) { return statements }
      return lowerReduce(contract.asReduce(node.operands.map { laidOut.graph.type(of: $0) }), node, layout, &scope)
    case .scatter(let scatter): return lowerScatter(scatter, node, &scope)
    case .sort(let sort): return lowerSort(sort, node, &scope, target)
    case .compact(let compact): return lowerCompact(compact, node, &scope)
    case .constant, .reshape, .scan, .branch, .external, .measure, .assume:
      fatalError("\(node.primitive.mnemonic) has no kernel")
    }
  }

  private func tiled(
    _ contract: Contract, _ node: Node, _ laidOut: LaidOutGraph, _ steps: Steps
  ) -> ContractLowering? {
    let factors = node.operands.prefix(2)
    return ContractLowering(
      contract, operands: node.operands.map { unboundView($0, laidOut) }, constants: factors.map { steps.constants[$0] },
      formulas: factors.map { steps.constants[$0] == nil ? steps.formulas[$0] : nil },
      result: unboundView(node.results[0], laidOut), layout: laidOut.layouts[node.results[0].index], target: target,
      comesFromMemory: constantsComeFromMemory)
  }

  /// Computes the factors of a contraction that are formulas, at compile time if that is not too much work; false if
  /// there are none.
  private mutating func computeFormulas(of node: Node, _ laidOut: LaidOutGraph, _ steps: inout Steps) -> Bool {
    var isAny = false
    for value in node.operands.prefix(2) {
      guard let formula = steps.formulas[value], steps.constants[value] == nil else { continue }
      isAny = true
      if let values = formula.values(limit: Self.formulaLimit) {
        steps.constants[value] = values
      } else if let map = laidOut.graph.nodes.first(where: { $0.results == [value] }) {
        steps.formulas[value] = nil
        let step = kernelStep(map, laidOut, &steps)
        steps.steps.append(step)
      }
    }
    return isAny
  }

  /// Elements of a factor that are computed at compile time.
  private static let formulaLimit = 1 << 26

  private func lowerReduce(_ reduce: Reduce, _ node: Node, _ layout: Layout, _ scope: inout KernelScope) -> [Statement] {
    let operands = node.operands.map { scope.view($0, .read) }
    let results = node.results.map { scope.view($0, .write) }
    return ReduceLowering(reduce, operands: operands, results: results, layout: layout, target: target)
      .lower(&scope.builder)
  }

  /// A view for reasoning about strides, before parameters exist.
  private func unboundView(_ value: ValueID, _ laidOut: LaidOutGraph) -> View {
    let type = laidOut.graph.type(of: value)
    return View(
      buffer: Buffer(id: -1, element: type.element.storage), element: type.element, shape: type.shape,
      strides: laidOut.strides(value))
  }

  private static func mayFail(_ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement {
      case .fail: true
      case .loop(let loop): mayFail(loop.body)
      case .conditional(_, let then, let otherwise): mayFail(then) || mayFail(otherwise)
      case .whileLoop(_, let body): mayFail(body)
      case .bind, .declare, .assign, .store, .allocate, .zero, .prefetch, .tile, .copy, .call, .define, .acquire,
        .external:
        false
      }
    }
  }
}

extension Graph {
  /// The size of all constants, those of bodies aside.
  fileprivate var constantBytes: Int {
    nodes.reduce(0) { if case .constant(let constant) = $1.primitive { $0 + constant.bytes.count } else { $0 } }
  }
}
