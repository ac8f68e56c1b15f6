import LoopIR
import Support
import TensorIR

/// The iteration axes of one loop nest, after adjacent axes were merged.
struct LoopNest {
  /// Extent of every axis; merged and single axes have extent 1.
  var extents: [Dim]
  /// Axes that need a loop, outermost first.
  var order: [Int]

  /// Drops axes of extent 1 and merges neighbours that all accesses traverse as one.
  ///
  /// `strides` gives, per access, the stride of each axis; it is empty where accesses are not all affine. `mayMerge` is
  /// asked for every pair of an outer extent and an inner one.
  init(extents: [Dim], order: [Int], strides: [[Dim]]?, mayMerge: (Dim, Dim) -> Bool = { _, _ in true }) {
    self.extents = extents
    self.order = order.filter { extents[$0] != 1 }
    guard let strides else { return }
    var merged: [Int] = []
    for axis in self.order {
      if let outer = merged.last, strides.allSatisfy({ $0[outer] == $0[axis] * self.extents[axis] }),
        mayMerge(self.extents[outer], self.extents[axis])
      {
        self.extents[axis] = self.extents[outer] * self.extents[axis]
        self.extents[outer] = 1
        merged.removeLast()
      }
      merged.append(axis)
    }
    self.order = merged
  }

  /// Wraps statements in loops over the given axes, the last one innermost.
  static func wrap(_ body: [Statement], _ axes: [(variable: Variable, extent: Dim)], kind: LoopKind = .serial) -> [Statement] {
    axes.reversed().reduce(body) { inner, axis in
      [.loop(Loop(axis.variable, from: .index(0), to: axis.extent.expr, kind: kind, body: inner))]
    }
  }
}

/// The strides of every read along the iteration axes; nil unless all reads and other uses of axes are affine reads in bounds.
func affineStrides(_ graph: ScalarGraph, _ operands: [View], rank: Int) -> [[Dim]]? {
  var strides: [[Dim]] = []
  for id in graph.reachable {
    guard case .read(let operand, let indices, let outside) = graph[id] else { continue }
    guard outside == nil, let form = offset(indices, operands[operand], graph), form.isAffine else { return nil }
    strides.append((0..<rank).map { form.axes[$0] ?? 0 })
  }
  return usesAxesOnlyInReads(graph) ? strides : nil
}

private func offset(_ indices: [ScalarID], _ view: View, _ graph: ScalarGraph) -> LinearForm? {
  var form = LinearForm()
  for (index, stride) in zip(indices, view.strides) { form.add(LinearForm(index, in: graph), times: stride) }
  return form
}

/// Whether axes occur nowhere but in the indices of reads.
func usesAxesOnlyInReads(_ graph: ScalarGraph) -> Bool { usesOnlyInReads(nil, graph) }

/// Whether an axis, or any axis, occurs nowhere but in the indices of reads.
func usesOnlyInReads(_ axis: Int?, _ graph: ScalarGraph) -> Bool {
  var isValue = [Bool](repeating: false, count: graph.nodes.count)
  for result in graph.results { isValue[result.index] = true }
  for id in graph.reachable.reversed() where isValue[id.index] {
    switch graph[id] {
    case .read(_, _, let outside): if let outside { isValue[outside.index] = true }
    case .axis(let used): if axis == nil || used == axis { return false }
    case .literal, .dim, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      for operand in ScalarGraph.operands(of: graph[id]) { isValue[operand.index] = true }
    }
  }
  return true
}

/// The stride along one axis of every read that varies along it; nil for reads whose stride is not the same everywhere.
func readStrides(_ graph: ScalarGraph, _ operands: [View], along axis: Int) -> [Dim?] {
  graph.reachable.compactMap { id in
    guard case .read(let operand, let indices, _) = graph[id],
      let form = offset(indices, operands[operand], graph), let stride = form.axes[axis]
    else { return nil }
    return .some(varies(form.others.keys, along: axis, graph) ? nil : stride)
  }
}

/// Whether any of some nodes depends on an axis.
func varies(_ ids: some Sequence<ScalarID>, along axis: Int, _ graph: ScalarGraph) -> Bool {
  var pending = Array(ids)
  var seen = Set(pending)
  while let id = pending.popLast() {
    if case .axis(axis) = graph[id] { return true }
    for operand in ScalarGraph.operands(of: graph[id]) where seen.insert(operand).inserted { pending.append(operand) }
  }
  return false
}

/// How many positions of a graph with long chains of reads are computed at the same time.
let overlap = 10

/// Whether more than a few reads each need the one before for their place.
func hasLongChains(_ graph: ScalarGraph) -> Bool {
  var lengths = [Int](repeating: 0, count: graph.nodes.count)
  for id in graph.reachable {
    let before = ScalarGraph.operands(of: graph[id]).reduce(0) { max($0, lengths[$1.index]) }
    if case .read = graph[id] { lengths[id.index] = before + 1 } else { lengths[id.index] = before }
  }
  return lengths.contains { $0 > 3 }
}

/// The lanes that suit a loop over `extent` elements whose widest type has the given size.
///
/// Long chains of reads stay scalar: gathers load no faster, and chains at several positions overlap.
func suitableLanes(_ graph: ScalarGraph, extent: Dim, target: Target) -> Int {
  if hasLongChains(graph) { return 1 }
  let widest = graph.reachable.map { graph.type(of: $0) }.filter { $0 != .i64 && $0 != .u64 }.map(\.bytes).max() ?? 8
  var lanes = target.lanes(max(1, min(widest, 8)))
  lanes = min(lanes, max(1, target.vectorBytes / 4))
  if let extent = extent.constant { while lanes > 1 && lanes > extent { lanes /= 2 } }
  return lanes < 4 ? 1 : lanes
}
