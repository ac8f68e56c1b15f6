import Support
import TensorIR
import Testing

@Suite struct StorageTests {
  private static let halves = (0..<4099).map { Float16(Double($0 % 13) / 8) }

  /// Sums the squares of `halves` in a type.
  private func sum(in type: ElementType) throws -> [Float16] {
    let function = try CompiledFunction([.f16], counts: [Self.halves.count]) { builder, inputs in
      var body = ScalarGraph()
      let index = body.axis(1)
      let value = body.cast(body.read(0, [index], type: .f16), to: type)
      body.results = [body.times(value, value)]
      var epilogue = ScalarGraph()
      epilogue.results = [epilogue.cast(epilogue.accumulator(0, type), to: .f16)]
      let reduce = Reduce(
        shape: [1], reduced: [Dim(Self.halves.count)], combiner: .sum, body: body, epilogue: epilogue)
      return builder.add(.reduce(reduce), inputs)[0]
    }
    return function([Self.halves], Float16.self)
  }

  @Test func sumsHalvesInSingle() throws {
    let expected = Self.halves.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(try sum(in: .f32) == [Float16(expected)])
  }

  @Test func roundsSumsOfHalvesAfterEveryTerm() throws {
    #expect(try sum(in: .f16) == [Self.halves.reduce(0) { $0 + $1 * $1 }])
  }

  @Test func sortsHalves() throws {
    let values: [Float16] = [3, -1, 0.5, -7, .infinity, 2, -0.25, 100]
    let function = try CompiledFunction([.f16], counts: [values.count]) { builder, inputs in
      builder.add(.sort(Sort(axis: 0, descending: false, limit: Dim(values.count))), inputs)[0]
    }
    #expect(function([values], Float16.self) == values.sorted())
  }

  @Test func scattersHalves() throws {
    let data: [Float16] = [1, 2, 3, 4]
    let updates: [Float16] = [0.5, 0.25, 8]
    let function = try CompiledFunction([.f16, .f16], counts: [4, 3]) { builder, inputs in
      var target = ScalarGraph()
      let position = target.axis(0)
      let value = target.read(1, [position], type: .f16)
      target.results = [target.binary(.floorDivide, position, target.integer(2)), value]
      return builder.add(.scatter(Scatter(updates: [3], combiner: .add, target: target)), inputs)[0]
    }
    #expect(function([data, updates], Float16.self) == [1.75, 10, 3, 4])
  }
}
