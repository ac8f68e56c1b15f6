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

/// Working memory of a kernel, where every part of a divided kernel has its own.
struct Scratch {
  var buffer: Buffer
  /// The offset of the first element.
  var start: Expr
}

/// A kernel under construction together with what its parameters are bound to.
struct KernelScope {
  var builder = KernelBuilder()
  private(set) var bindings: [Binding] = []
  /// Whether some results are computed and stored more than once.
  var storesAgain = false
  private let laidOut: LaidOutGraph
  private var views: [ValueID: View] = [:]
  let threads: Int
  /// The number of the part that a call computes, if the kernel is divided.
  let part: Variable
  /// The number of the piece that a call computes, if parts have several.
  let piece: Variable

  init(_ laidOut: LaidOutGraph, threads: Int) {
    self.laidOut = laidOut
    self.threads = threads
    let none = Variable(id: -1, type: ValueType(.i64))
    part = threads > 1 ? builder.index() : none
    piece = threads > 1 ? builder.index() : none
  }

  /// The view of a value, adding a parameter for it when it is first asked for.
  mutating func view(_ value: ValueID, _ access: Access) -> View {
    if let view = views[value] { return view }
    let type = laidOut.graph.type(of: value)
    let buffer = builder.parameter(type.element.storage, access)
    bindings.append(.value(value))
    let view = View(
      buffer: buffer, element: type.element, shape: type.shape, strides: laidOut.strides(value))
    views[value] = view
    return view
  }

  /// The view of groups of a value's elements as `u32`, given the view of the value's type.
  mutating func groups(_ value: ValueID, _ view: View, _ access: Access) -> View {
    var view = view
    view.buffer = builder.parameter(.u32, access)
    bindings.append(.value(value))
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

  /// Working memory for `count` elements in every part.
  mutating func dividedScratch(_ element: ElementType, count: Dim) -> Scratch {
    guard threads > 1 else { return Scratch(buffer: scratch(element, count: count), start: .index(0)) }
    // Parts begin at multiples of 64 bytes.
    let unit = Dim(max(1, 64 / element.bytes))
    let room = count.parts(of: unit) * unit
    return Scratch(buffer: scratch(element, count: room * Dim(threads)), start: .variable(part) * room.expr)
  }
}
