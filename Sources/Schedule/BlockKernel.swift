import LoopIR
import Support
import TensorIR

/// The kernel that computes a chain block by block, by calls of the kernels of its nodes; threads compute blocks of
/// their own.
struct BlockKernel {
  /// The parts of the chain with the steps of one block each.
  let parts: [(part: RowBlocks.Part, steps: Steps)]
  /// All kernels so far.
  let kernels: [Kernel]
  /// The parameters for constants.
  private var constants: [ConstantTensor: Buffer] = [:]

  init(parts: [(part: RowBlocks.Part, steps: Steps)], kernels: [Kernel]) {
    (self.parts, self.kernels) = (parts, kernels)
  }

  mutating func statements(_ scope: inout KernelScope) -> [Statement] {
    let number = scope.builder.index()
    let memory = memory(&scope)
    var body: [Statement] = []
    var firsts = [Dim(0)]
    for part in parts { firsts.append(firsts[firsts.count - 1] + part.part.count) }
    for ((part, steps), first) in zip(parts, firsts).reversed() {
      let turn = first == 0 ? Expr.variable(number) : .binary(.subtract, .variable(number), first.expr)
      let calls = steps.steps.compactMap { call($0, part, steps, turn, memory, &scope) }
      let isBefore = Expr.compare(.less, .variable(number), (first + part.count).expr)
      body = body.isEmpty ? calls : [.conditional(isBefore, then: calls, otherwise: body)]
    }
    return [.loop(Loop(number, from: .index(0), to: firsts[parts.count].expr, kind: .parallel, body: body))]
  }

  /// Memory for what lies between the nodes, as much as the largest block needs.
  private func memory(_ scope: inout KernelScope) -> [ValueID: Scratch] {
    var sizes: [ValueID: (element: ElementType, count: Dim)] = [:]
    for (part, steps) in parts {
      let given = Set(part.places.map(\.inner))
      for value in steps.steps.flatMap(\.writes).map(steps.root) where !given.contains(value) {
        let type = steps.graph.type(of: value)
        let known = sizes[value]?.count ?? 0
        sizes[value] = (type.element.storage, .maximum(known, type.shape.product))
      }
    }
    let order = sizes.sorted { $0.key < $1.key }
    return Dictionary(
      uniqueKeysWithValues: order.map { ($0.key, scope.dividedScratch($0.value.element, count: $0.value.count)) })
  }

  private mutating func constant(_ tensor: ConstantTensor, _ scope: inout KernelScope) -> Buffer {
    let buffer = constants[tensor] ?? scope.constant(tensor)
    constants[tensor] = buffer
    return buffer
  }

  private mutating func call(
    _ step: Step, _ part: RowBlocks.Part, _ steps: Steps, _ turn: Expr, _ memory: [ValueID: Scratch],
    _ scope: inout KernelScope
  ) -> Statement? {
    // Other steps are views.
    guard case .call(let kernel, let bindings) = step.action else { return nil }
    let arguments = zip(bindings, kernels[kernel].parameters).map { binding, parameter in
      switch binding {
      case .constant(let tensor): return Argument(constant(tensor, &scope))
      case .scratch(let bytes):
        let element = parameter.buffer.element
        let scratch = scope.dividedScratch(element, count: bytes.parts(of: Dim(element.bytes)))
        return Argument(scratch.buffer, offset: scratch.start)
      case .value(let value):
        let (root, offset) = (steps.root(value), Expr.index(steps.offset(value)))
        if let constant = steps.constants[root] { return Argument(self.constant(constant, &scope), offset: offset) }
        if let scratch = memory[root] { return Argument(scratch.buffer, offset: scratch.start + offset) }
        guard let place = part.places.first(where: { $0.inner == root }) else {
          fatalError("value \(root.index) has no memory")
        }
        let view = scope.view(place.outer, access(to: place.outer))
        return Argument(view.buffer, offset: place.first.expr + turn * place.stride.expr + offset)
      }
    }
    return .call(kernel: kernel, arguments: arguments, scalars: [])
  }

  /// What the kernels of all parts do with a value from outside, or the result.
  private func access(to value: ValueID) -> Access {
    var found: Set<Access> = []
    for (part, steps) in parts {
      let inner = Set(part.places.filter { $0.outer == value }.map(\.inner))
      for case .call(let kernel, let bindings) in steps.steps.map(\.action) {
        for (binding, parameter) in zip(bindings, kernels[kernel].parameters) {
          if case .value(let operand) = binding, inner.contains(steps.root(operand)) { found.insert(parameter.access) }
        }
      }
    }
    return found.count == 1 ? found.first ?? .readWrite : .readWrite
  }
}
