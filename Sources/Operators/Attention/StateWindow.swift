import Support
import TensorIR

/// How many states of the last steps an operator passes on in a leading axis; 0 for the last one without that axis.
struct StateWindow {
  let size: Int

  init(_ node: OperatorNode) throws(ModelError) {
    size = try node.int("state_window", default: 0)
    guard size >= 0 else { throw .invalid("attribute 'state_window' is \(size)") }
  }

  /// The last state of a window.
  func last(_ states: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    guard size > 0 else { return states }
    let shape = b.shape(of: states)
    let message = "the states have shape \(shape), not a window of \(size)"
    guard let count = shape.first else { throw .invalid(message) }
    try b.requireEqual(count, Dim(size), message)
    return b.reshape(b.slice(states, axis: 0, from: Dim(size - 1), count: 1), Array(shape.dropFirst()))
  }

  /// The states after the last steps, given those after all steps along an axis; zero where there was no step.
  func states(of all: ValueID, step axis: Int, _ b: inout GraphBuilder) -> ValueID {
    let type = b.type(of: all)
    var shape = type.shape
    let count = shape.remove(at: axis)
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis(1 + $0) }
    indices.insert(body.affine(body.axis(0), scale: 1, offset: count - size), at: axis)
    body.results = [body.read(0, indices, outside: body.number(0, type.element), type: type.element)]
    return b.map([Dim(size)] + shape, body, [all])
  }
}
