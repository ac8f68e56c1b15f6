import TensorIR

extension Map {
  /// The operands that are read nowhere but at the element that is written.
  func updates(_ node: Node, _ laidOut: LaidOutGraph) -> [Update] {
    laidOut.readInPlace(by: body, over: shape, node).map { Update(operand: $0, result: node.results[0]) }
  }
}

extension Contract {
  /// The operands that only the epilogue reads, where the result is written; of kernels that store each result once.
  func updates(_ node: Node, _ laidOut: LaidOutGraph) -> [Update] {
    laidOut.readInPlace(by: epilogue, over: shape, node).filter { !node.operands.prefix(2).contains($0) }
      .map { Update(operand: $0, result: node.results[0]) }
  }
}

extension Scatter {
  /// Operand 0, which is copied before the first update, unless updates are computed from it.
  func updates(_ node: Node) -> [Update] {
    if readsOriginal || node.operands.dropFirst().contains(node.operands[0]) { return [] }
    return [Update(operand: node.operands[0], result: node.results[0])]
  }
}

extension Scan {
  /// The first states, which are copied before the first turn, unless turns read them too.
  func updates(_ node: Node) -> [Update] {
    zip(node.operands.prefix(carried), node.results).compactMap { operand, result in
      node.operands.dropFirst(carried).contains(operand) ? nil : Update(operand: operand, result: result)
    }
  }
}

extension LaidOutGraph {
  /// The operands of a node that a scalar graph reads nowhere but at the element that is computed.
  fileprivate func readInPlace(by body: ScalarGraph, over shape: [Dim], _ node: Node) -> [ValueID] {
    var moved: Set<ValueID> = []
    for id in body.reachable {
      guard case .read(let operand, let indices, _) = body[id] else { continue }
      let value = node.operands[operand]
      if !isInPlace(indices, of: value, in: body, over: shape, result: node.results[0]) { moved.insert(value) }
    }
    return node.operands.filter { !moved.contains($0) }
  }

  /// Whether a scalar graph reads an operand at the place in memory at which the result has the element it computes.
  func isInPlace(
    _ indices: [ScalarID], of operand: ValueID, in body: ScalarGraph, over shape: [Dim], result: ValueID
  ) -> Bool {
    let source = layouts[operand.index].strides(graph.shape(of: operand))
    let target = layouts[result.index].strides(shape)
    var form = LinearForm()
    for (index, stride) in zip(indices, source) { form.add(LinearForm(index, in: body), times: stride) }
    guard form.isAffine, form.constant == 0 else { return false }
    return shape.indices.allSatisfy { shape[$0] == 1 || (form.axes[$0] ?? 0) == target[$0] }
  }
}

extension Steps {
  /// For every output, the input whose memory it may be: one of its type from which it is computed, and which is read for
  /// the last time before the output is first written, or by the same step in a way that `Step.updates` allows.
  ///
  /// Of several pairs, the one with fewer steps from the input to the output comes first; no input is taken twice.
  func updatedInputs(_ isExact: [Bool]) -> [Int?] {
    var pairs: [(distance: Int, output: Int, input: Int)] = []
    for (output, value) in graph.outputs.enumerated() where isExact[output] {
      let type = graph.type(of: value)
      let inputs = graph.inputs.indices.filter { graph.type(of: graph.inputs[$0]) == type }
      if inputs.isEmpty { continue }
      let distances = distances(to: root(value))
      for input in inputs where isSafe(input, output) {
        if let distance = distances[graph.inputs[input]] { pairs.append((distance, output, input)) }
      }
    }
    var result = [Int?](repeating: nil, count: graph.outputs.count)
    for pair in pairs.sorted(by: { ($0.distance, $0.output, $0.input) < ($1.distance, $1.output, $1.input) })
    where result[pair.output] == nil && !result.contains(pair.input) {
      result[pair.output] = pair.input
    }
    return result
  }

  /// Whether an output has a value of its own, and no copy made when all steps are done.
  func isHome(_ output: Int) -> Bool {
    let root = root(graph.outputs[output])
    return constants[root] == nil && !graph.inputs.contains(root)
      && !graph.outputs.prefix(output).contains { self.root($0) == root }
  }

  private func isSafe(_ input: Int, _ output: Int) -> Bool {
    let source = graph.inputs[input]
    let target = root(graph.outputs[output])
    let copies = graph.outputs.indices.filter { !isHome($0) && root(graph.outputs[$0]) == source }
    guard isHome(output) else { return copies.allSatisfy { $0 <= output } }
    func writes(_ step: Step) -> Bool { step.touches && step.writes.contains { root($0) == target } }
    func reads(_ step: Step) -> Bool { step.touches && step.reads.contains { root($0) == source } }
    guard copies.isEmpty, let first = steps.firstIndex(where: writes) else { return false }
    guard let last = steps.lastIndex(where: reads) else { return true }
    return last == first ? only(steps[first], updates: source, to: target) : last < first
  }

  /// Whether all that a step reads of one value's memory is what it updates to another one.
  private func only(_ step: Step, updates source: ValueID, to target: ValueID) -> Bool {
    step.reads.allSatisfy { value in
      root(value) != source || step.updates.contains { $0.operand == value && root($0.result) == target }
    }
  }

  // MARK: Memory of operands

  /// The last step that reads each value by its root; what the graph returns is read behind all steps.
  func lastReads() -> [ValueID: Int] {
    var last: [ValueID: Int] = [:]
    for (number, step) in steps.enumerated() {
      for value in step.reads { last[root(value)] = number }
    }
    for output in graph.outputs { last[root(output)] = steps.count }
    return last
  }

  /// The operands, by their root, whose memory results of a step may take over, if nothing reads them afterwards.
  func replaced(by step: Step) -> [(operand: ValueID, result: ValueID)] {
    guard case .call = step.action, !step.copiesFirst else { return [] }
    return step.updates.compactMap { update in
      let (source, target) = (root(update.operand), root(update.result))
      let isReplaced = source != target && haveOnePlace(update) && only(step, updates: source, to: target)
      return isReplaced ? (source, target) : nil
    }
  }

  /// Whether equal elements of two values have equal places in the memory of their roots.
  private func haveOnePlace(_ update: Update) -> Bool {
    let (source, target) = (graph.type(of: root(update.operand)), graph.type(of: root(update.result)))
    if source == target && offset(update.operand) == offset(update.result) { return true }
    func isWhole(_ value: ValueID) -> Bool {
      offset(value) == 0 && graph.shape(of: value).product == graph.shape(of: root(value)).product
    }
    return source.element == target.element && source.shape.product == target.shape.product
      && isWhole(update.operand) && isWhole(update.result)
  }

  /// For every value from which another is computed, the number of steps between them.
  private func distances(to target: ValueID) -> [ValueID: Int] {
    var distances = [target: 0]
    for step in steps.reversed() where step.touches {
      guard let nearest = step.writes.compactMap({ distances[root($0)] }).min() else { continue }
      for value in step.reads { distances[root(value)] = min(distances[root(value)] ?? .max, nearest + 1) }
    }
    return distances
  }
}

extension Step {
  /// Whether values that the step names are read or written by it.
  fileprivate var touches: Bool {
    switch action {
    case .view: false
    case .call, .scan, .branch, .measure, .assume, .external: true
    }
  }
}
