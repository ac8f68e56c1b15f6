import LoopIR
import Support
import TensorIR

/// Weights of contractions on a matrix unit: how they are packed, and how the numbers of a panel become parts.
extension ContractLowering {
  /// The weights as panels, given as groups, or as finite `f32` numbers.
  ///
  /// For each set and panel there are, by step and part, the tiles side by side, or rows of numbers.
  func packTiles(
    _ constant: ConstantTensor, _ groups: GroupFactors, sets: [Int], sums: [Int], columns: (count: Int, stride: Int)
  ) -> ConstantTensor {
    let tiles = (columns.count + GroupFactors.columns - 1) / GroupFactors.columns
    let packing = packing(of: groups)
    let count = sets.count * tiles * GroupFactors.columns * sums.count * packing.elements
    let split = SplitConstant(constant, parts: groups.parts)
    let packed = Bytes(count: count * 4) { output in
      constant.bytes.withUnsafeBytesOnce { input in
        var position = 0
        func pack(_ base: Int, _ tiles: Range<Int>, _ element: (Int) -> UInt32) {
          for column in tiles.lowerBound * GroupFactors.columns..<tiles.upperBound * GroupFactors.columns {
            if column < columns.count {
              output.storeBytes(of: element(base + column * columns.stride), toByteOffset: position, as: UInt32.self)
            }
            position += 4
          }
        }
        func bits(_ number: Int) -> UInt32 { input.loadUnaligned(fromByteOffset: number * 4, as: UInt32.self) }
        func half(_ part: Int, _ number: Int) -> UInt32 {
          UInt32(split.part(part, of: Float(bitPattern: bits(number))))
        }
        for set in sets {
          for first in stride(from: 0, to: tiles, by: tile.vectors) {
            let panel = first..<min(first + tile.vectors, tiles)
            switch packing {
            case .numbers:
              for sum in sums {
                for number in 0..<2 { pack(set + sum, panel) { bits($0 * 2 + number) } }
              }
            case .parts(let parts):
              for step in stride(from: 0, to: sums.count, by: depth) {
                for part in 0..<parts {
                  for column in panel {
                    for sum in sums[step..<step + depth] {
                      pack(set + sum, column..<column + 1) { group in
                        parts == 1 ? bits(group) : half(part, group * 2) | half(part, group * 2 + 1) << 16
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return ConstantTensor(packing.element, dims: [count], bytes: packed)
  }

  /// Writes the parts of a panel's numbers, those of the group's chunk of terms, as tiles.
  func splitPanel(
    _ panel: Panel, _ group: TileGroup, to scratch: Scratch, _ scope: inout KernelScope
  ) -> [Statement] {
    let width = panel.vectors * GroupFactors.columns
    let parts = group.factors.parts
    let outermost = sumAxes(panel.vectors, group.factors).first
    let stepsOfTurn = (outermost?.packedStride ?? 0) / (width * depth * 2)
    let all = Expr.index((sumCount.constant ?? 0) / depth)
    let steps = group.chunk.map { .binary(.subtract, $0.to, $0.from) * .index(stepsOfTurn) } ?? all
    let source = group.packedBase + (group.chunk.map { $0.from * .index(outermost?.packedStride ?? 0) } ?? .index(0))
    let (step, pair, from, to) = (
      scope.builder.index(), scope.builder.index(), scope.builder.index(), scope.builder.index()
    )
    let number = Expr.variable(step) * .index(depth) + .variable(pair)
    let first = scratch.start + .variable(step) * .index(parts * depth * width)
    var body: [Statement] = [
      .bind(from, source + number * .index(2 * width)),
      .bind(to, first + .variable(pair) * .index(GroupFactors.columns)),
    ]
    for vector in 0..<panel.vectors {
      let places = [0, width].map { Expr.variable(from) + .index($0 + vector * lanes) }
      let words = words(places.map { .load(group.packed, index: $0, lanes: lanes, count: nil) }, parts, &body, &scope)
      for (part, word) in words.enumerated() {
        let tile = (part * panel.vectors + vector) * depth * GroupFactors.columns
        body.append(.store(scratch.buffer, index: .variable(to) + .index(tile), value: word, count: nil))
      }
    }
    let pairs = Statement.loop(Loop(pair, from: .index(0), to: .index(depth), body: body))
    return [.loop(Loop(step, from: .index(0), to: steps, body: [pairs]))]
  }

  /// The parts of two vectors of numbers, each pair of parts in one word.
  private func words(
    _ numbers: [Expr], _ parts: Int, _ statements: inout [Statement], _ scope: inout KernelScope
  ) -> [Expr] {
    var graph = ScalarGraph()
    let split = numbers.indices.map { number in
      let value = graph.accumulator(number, .f32)
      return graph.brainParts(of: value, count: parts, rounded: SplitConstant.areRounded(parts))
    }
    graph.results = (0..<parts).map { part in
      graph.binary(.or, graph.binary(.shiftRight, split[0][part], graph.integer(16, .u32)), split[1][part])
    }
    var emitter = ScalarEmitter(graph, operands: [], extents: [], axes: [], lanes: lanes, accumulators: numbers)
    return (0..<parts).map { part in
      let word = emitter.result(part, in: &scope.builder)
      statements += emitter.takeStatements()
      return word
    }
  }
}
