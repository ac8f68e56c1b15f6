import Support
import Testing

@testable import ONNXReader
@testable import Operators

/// Numbers whose sums, products and differences overflow, or that no list has a place for.
private let extremes = [Int.min, -1, 0, 1 << 31, 1 << 62, .max]
private let extremeFloats: [Float] = [.nan, .infinity, -.infinity, 1e38, -1e38, 0]

@Suite struct ExtremeNumberTests {
  /// A case of every operator with one number replaced: an import ends, and where it fails it names the node.
  @Test(arguments: resultCases + extremeCases) func numbersOfAnySizeAreTakenOrReported(_ test: ResultCase) {
    for (name, value) in test.attributes {
      for changed in variants(value) {
        var model = test.model
        model.graph.nodes[0].attributes[name] = changed
        guard let error = error(model) else { continue }
        #expect(error.diagnostics.allSatisfy { !$0.location.isEmpty }, "\(name) = \(changed): \(error)")
      }
    }
  }

  /// The same for integers that are given as constants.
  @Test(arguments: resultCases + extremeCases) func constantsOfAnySizeAreTakenOrReported(_ test: ResultCase) {
    for (position, input) in test.inputs.enumerated() {
      guard let input, input.element == .i64 || input.element == .i32, input.values.count <= 8 else { continue }
      for extreme in extremes.dropLast() where input.element == .i64 || extreme == -1 || extreme == 0 {
        for places in input.values.indices.prefix(3).map({ $0...$0 }) + [0...7] {
          var changed = test
          changed.constants.insert(position)
          for place in input.values.indices where places.contains(place) { changed.inputs[position]?.values[place] = Double(extreme) }
          guard let error = error(changed.model) else { continue }
          #expect(error.diagnostics.allSatisfy { !$0.location.isEmpty }, "input \(position): \(error)")
        }
      }
    }
  }

  private func variants(_ value: AttributeValue) -> [AttributeValue] {
    switch value {
    case .int: extremes.map { .int($0) }
    case .ints(let numbers):
      extremes.flatMap { extreme in
        numbers.indices.prefix(4).map { place in
          var changed = numbers
          changed[place] = extreme
          return .ints(changed)
        } + [.ints(numbers.map { _ in extreme }), .ints(numbers + [extreme])]
      }
    case .float: extremeFloats.map { .float($0) }
    case .floats(let numbers): extremeFloats.map { extreme in .floats(numbers.map { _ in extreme }) }
    case .string, .tensor, .graph, .sparse, .type, .strings, .tensors, .graphs, .sparses, .types, .reference:
      []
    }
  }

  private func error(_ model: Model) -> ModelError? {
    do {
      _ = try importModel(model)
      return nil
    } catch {
      return error
    }
  }
}

/// Operators that no other case has.
private let extremeCases: [ResultCase] = [
  ResultCase("Crop", version: 1, [zeros([1, 1, 4, 4])], ["border": .ints([0, 1, 0, 1])], [zeros([1, 1, 2, 4])]),
  ResultCase(
    "Col2Im", version: 18,
    [zeros([1, 4, 4]), Numbers(.i64, [2], [3, 3]), Numbers(.i64, [2], [2, 2])], constants: [1, 2],
    ["dilations": .ints([1, 1]), "pads": .ints([0, 0, 0, 0]), "strides": .ints([1, 1])], [zeros([1, 1, 3, 3])]),
  ResultCase("GroupNormalization", version: 21, [zeros([1, 0, 4]), zeros([0]), zeros([0])], ["num_groups": .int(2)], [zeros([1, 0, 4])]),
  ResultCase("Conv", version: 22, convolution, window, [zeros([1, 1, 2, 2])]),
  ResultCase("ConvTranspose", version: 22, convolution, window.merging(["output_padding": .ints([0, 0])]) { $1 }, [zeros([1, 1, 5, 5])]),
  ResultCase("MaxPool", version: 22, [zeros([1, 1, 4, 4])], window.merging(["ceil_mode": .int(1)]) { $1 }, [zeros([1, 1, 2, 2])]),
  ResultCase("Upsample", version: 1, [zeros([1, 1, 2, 2])], ["height_scale": .float(2), "width_scale": .float(2)], [zeros([1, 1, 4, 4])]),
  ResultCase(
    "STFT", version: 17, [zeros([1, 6, 1]), Numbers(.i64, [], [3]), nil, Numbers(.i64, [], [2])], [:], [zeros([1, 2, 2, 2])]),
  ResultCase("LRN", version: 13, [zeros([1, 4, 2])], ["size": .int(3)], [zeros([1, 4, 2])]),
  ResultCase("Split", version: 18, [zeros([4])], ["num_outputs": .int(2), "axis": .int(0)], [zeros([2]), zeros([2])]),
  ResultCase("DepthToSpace", version: 13, [zeros([1, 4, 2, 2])], ["blocksize": .int(2)], [zeros([1, 1, 4, 4])]),
  ResultCase("EyeLike", version: 22, [zeros([3, 3])], ["k": .int(1)], [zeros([3, 3])]),
]

private let convolution = [zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3])]
private let window: [String: AttributeValue] = [
  "kernel_shape": .ints([3, 3]), "strides": .ints([1, 1]), "dilations": .ints([1, 1]), "pads": .ints([0, 0, 0, 0]),
]

private func zeros(_ dims: [Int]) -> Numbers {
  Numbers(.f32, dims, [Double](repeating: 0, count: dims.reduce(1, *)))
}
