import LoopIR
import Schedule
import Support
import TensorIR
import Testing

@Suite("The first elements of a line")
struct SelectionTests {
  private static let limits = [1, 2, 16, 64, 65]

  /// Many equal numbers, infinities and NaN.
  private static let values: [Float] = (0..<203).map { index in
    switch index % 29 {
    case 3: .nan
    case 7: .infinity
    case 11: -.infinity
    case 13: -.nan
    default: Float(index * 37 % 23) - 11
    }
  }

  @Test(arguments: limits, [false, true])
  func areThoseOfAStableSort(_ limit: Int, _ descending: Bool) throws {
    let function = try CompiledFunction([.f32], counts: [Self.values.count]) { builder, inputs in
      builder.add(.sort(Sort(axis: 0, descending: descending, limit: Dim(limit))), inputs)[1]
    }
    let sorted = Self.values.indices.sorted { a, b in
      let (x, y) = (Self.values[a], Self.values[b])
      if x.isNaN != y.isNaN { return y.isNaN != descending }
      if x.isNaN || x == y { return a < b }
      return (x < y) != descending
    }
    #expect(function([Self.values], Int64.self) == sorted.prefix(limit).map { Int64($0) })
  }

  @Test(arguments: limits)
  func areFoundAmongBytes(_ limit: Int) throws {
    let values = (0..<203).map { UInt8($0 * 83 % 256) }
    let function = try CompiledFunction([.u8], counts: [values.count]) { builder, inputs in
      builder.add(.sort(Sort(axis: 0, descending: true, limit: Dim(limit))), inputs)[0]
    }
    #expect(function([values], UInt8.self) == Array(values.sorted(by: >).prefix(limit)))
  }

  /// Small whole numbers with many ties; every access is checked.
  @Test(
    arguments: [([3, 75], 1, 5), ([41, 3], 0, 1), ([3, 9], 1, 9), ([2, 150], 1, 70)], [Target.portable, .avx512])
  func areWithinTheirMemory(_ sample: (dims: [Int], axis: Int, limit: Int), _ target: Target) throws {
    let dims = sample.dims
    var results = dims
    results[sample.axis] = sample.limit
    let graph = try Graph(
      parsing: """
        %0 = input f32\(dims)
        %1, %2 = sort(%0) axis \(sample.axis) ascending limit \(sample.limit) : f32\(results), i64\(results)
        return %1, %2
        """)
    let values = (0..<dims.reduce(1, *)).map { $0 * 7 % 11 - 5 }
    let stride = dims.dropFirst(sample.axis + 1).reduce(1, *)
    var (numbers, positions) = ([Double](), [Int]())
    for place in 0..<results.reduce(1, *) {
      // The line that a place of the results is in, and its rank there.
      let outer = place / (stride * sample.limit)
      let start = outer * stride * dims[sample.axis] + place % stride
      let line = (0..<dims[sample.axis]).map { values[start + $0 * stride] }
      let sorted = line.indices.sorted { (line[$0], $0) < (line[$1], $1) }
      let chosen = sorted[place / stride % sample.limit]
      numbers.append(Double(line[chosen]))
      positions.append(chosen)
    }
    let expected = [
      ConstantTensor(.f32, dims: results, doubles: numbers), ConstantTensor(.i64, dims: results, integers: positions),
    ]
    let program = try Program(scheduling: graph, for: target)
    try LoopIR.verify(program)
    let data = ConstantTensor(.f32, dims: dims, doubles: values.map(Double.init))
    let result = try program.interpret(inputs: [data.storage])
    #expect(result.status == 0)
    #expect(result.outputs == expected.map(\.storage))
  }
}
