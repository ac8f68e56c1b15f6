import LoopIR
import Support
import TensorIR

/// One action of the entry, before memory is planned.
struct Step {
  enum Action {
    /// A kernel by number, with a binding for each parameter.
    case call(kernel: Int, bindings: [Binding])
    /// Bytes of one value under the name of another; nothing to do once both share memory.
    case view
    case scan(ScanSteps)
    case branch(BranchSteps)
    /// Names the elements of the value that is read.
    case measure([String])
    case assume(Assumption)
    case external(External)
  }

  var action: Action
  var reads: [ValueID]
  var writes: [ValueID]
  var origin: String
  /// Whether the first value that is read is copied to the first that is written, before the call.
  var copiesFirst = false
  /// Values that are written, with what is read: where both are the same memory, elements are read before they are written.
  var updates: [Update] = []
  /// What a call does, in programs that are measured.
  var work: Work?
}

/// A value that a step may write over one that it reads.
struct Update {
  var operand: ValueID
  var result: ValueID
}

/// The steps of a scan's body, and what its arena needs.
struct ScanSteps {
  var scan: Scan
  var operands: [ValueID]
  var results: [ValueID]
  var body: Steps
}

/// The steps of both graphs of a branch.
struct BranchSteps {
  var branch: Branch
  var operands: [ValueID]
  var results: [ValueID]
  var then: Steps
  var otherwise: Steps
}

extension ScanSteps {
  /// The states whose next value is the present value of another state.
  var crossingStates: [Int] {
    let inputs = body.graph.inputs[1..<1 + scan.carried]
    return (0..<scan.carried).filter { state in
      let source = body.root(body.graph.outputs[state])
      return inputs.contains(source) && source != body.graph.inputs[1 + state]
    }
  }
}

/// A lowered graph: steps over the values of a laid-out graph.
struct Steps {
  var graph: Graph
  var steps: [Step]
  /// For values that share another value's memory, that value.
  var alias: [ValueID: ValueID]
  /// Where the first element of such a value is in that memory, if not at its beginning.
  var offsets: [ValueID: Int] = [:]
  /// Constants by value.
  var constants: [ValueID: ConstantTensor]
  /// Factors of contractions that are computed from constants where they are read.
  var formulas: [ValueID: ConstantFormula]

  /// The symbols that steps define, those of bodies included, each once.
  var measuredSymbols: [String] {
    var seen: Set<String> = []
    return definitions.filter { seen.insert($0).inserted }
  }

  private var definitions: [String] {
    steps.flatMap { step -> [String] in
      switch step.action {
      case .measure(let symbols): symbols
      case .scan(let scan): scan.body.definitions
      case .branch(let choice):
        choice.then.definitions + choice.otherwise.definitions + choice.branch.extents.map(\.symbol)
      case .call, .view, .assume, .external: []
      }
    }
  }

  /// Where a value begins in the memory that it uses.
  func offset(_ value: ValueID) -> Int {
    (offsets[value] ?? 0) + (alias[value].map { offset($0) } ?? 0)
  }

  /// The value whose memory a value uses.
  func root(_ value: ValueID) -> ValueID {
    var value = value
    while let next = alias[value] { value = next }
    return value
  }

  /// Whether a value is read in groups of numbers, and another one, which has the same elements, may be aligned for numbers only.
  func isUnaligned(_ operand: ValueID, for result: ValueID, _ laidOut: LaidOutGraph) -> Bool {
    laidOut.groupedFactors.contains(result) && graph.inputs.contains(root(operand))
  }

  /// Whether the result of the scatter at a position may take the place of its operand 0: nothing reads that afterwards, and it is
  /// neither given nor a result, unless it is a scan's state that the scatter updates.
  func mayOverwrite(_ scatter: Scatter, at position: Int, carried: Int) -> Bool {
    let node = graph.nodes[position]
    let root = root(node.operands[0])
    func isRoot(_ value: ValueID) -> Bool { self.root(value) == root }
    let isReadLater = graph.nodes[(position + 1)...].contains { $0.operands.contains(where: isRoot) }
    guard !scatter.readsOriginal, !isReadLater, !node.operands.dropFirst().contains(where: isRoot), constants[root] == nil,
      !graph.outputs.contains(where: isRoot)
    else { return false }
    guard let input = graph.inputs.firstIndex(of: root) else { return true }
    let isState = (1..<1 + carried).contains(input)
    return isState && graph.outputs.enumerated().allSatisfy { ($0.offset == input - 1) == ($0.element == node.results[0]) }
  }
}
