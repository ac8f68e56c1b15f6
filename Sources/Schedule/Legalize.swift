import Support
import TensorIR

extension ScalarGraph {
  /// The graph with only operations that Loop IR has.
  func legalized() -> ScalarGraph { self }
}
