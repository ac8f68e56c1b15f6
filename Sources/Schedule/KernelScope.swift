import LoopIR
import Support
import TensorIR

/// What a kernel's parameter is bound to.
enum Binding: Hashable {
  case value(ValueID)
  case constant(ConstantTensor)
  /// Working memory of the given number of bytes, dead after the call.
  case scratch(Dim)
}

/// A kernel under construction together with what its parameters are bound to.
struct KernelScope {
  var builder = KernelBuilder()
  private(set) var bindings: [Binding] = []
  private let graph: Graph
  private let layouts: [Layout]
  private var views: [ValueID: View] = [:]

  init(graph: Graph, layouts: [Layout]) {
    self.graph = graph
    self.layouts = layouts
  }

  /// The view of a value, adding a parameter for it when it is first asked for.
  mutating func view(_ value: ValueID, _ access: Access) -> View {
    if let view = views[value] { return view }
    let type = graph.type(of: value)
    let buffer = builder.parameter(type.element.storage, access)
    bindings.append(.value(value))
    let view = View(
      buffer: buffer, element: type.element, shape: type.shape, strides: layouts[value.index].strides(type.shape))
    views[value] = view
    return view
  }

  /// A read-only parameter bound to new constant data.
  mutating func constant(_ tensor: ConstantTensor) -> Buffer {
    bindings.append(.constant(tensor))
    return builder.parameter(tensor.type.element.storage, .read, alignment: 64)
  }

  /// A parameter bound to working memory for `count` elements.
  mutating func scratch(_ element: ElementType, count: Dim) -> Buffer {
    bindings.append(.scratch(count * element.bytes))
    return builder.parameter(element, .readWrite, alignment: 64)
  }
}
