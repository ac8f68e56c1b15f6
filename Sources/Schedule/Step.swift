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
  }

  var action: Action
  var reads: [ValueID]
  var writes: [ValueID]
  var origin: String
}

/// The steps of a scan's body, and what its arena needs.
struct ScanSteps {
  var scan: Scan
  var operands: [ValueID]
  var results: [ValueID]
  var body: Steps
}

/// A lowered graph: steps over the values of a laid-out graph.
struct Steps {
  var graph: Graph
  var steps: [Step]
  /// For values that share another value's memory, that value.
  var alias: [ValueID: ValueID]
  /// Constants by value.
  var constants: [ValueID: ConstantTensor]

  /// The value whose memory a value uses.
  func root(_ value: ValueID) -> ValueID {
    var value = value
    while let next = alias[value] { value = next }
    return value
  }
}
