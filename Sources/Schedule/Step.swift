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
  /// What a call does, in programs that are measured.
  var work: Work?
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
  /// Constants by value.
  var constants: [ValueID: ConstantTensor]

  /// The symbols that steps define, those of bodies included.
  var measuredSymbols: [String] {
    steps.flatMap { step -> [String] in
      switch step.action {
      case .measure(let symbols): symbols
      case .scan(let scan): scan.body.measuredSymbols
      case .branch(let choice):
        choice.then.measuredSymbols + choice.otherwise.measuredSymbols + choice.branch.extents.map(\.symbol)
      case .call, .view, .assume, .external: []
      }
    }
  }

  /// The value whose memory a value uses.
  func root(_ value: ValueID) -> ValueID {
    var value = value
    while let next = alias[value] { value = next }
    return value
  }
}
