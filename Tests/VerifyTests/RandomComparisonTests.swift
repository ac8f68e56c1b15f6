import ONNXReader
import Support
import Testing

@testable import Verify

private func floats(_ values: [Float]) -> HostValue {
  let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  return .tensor(TensorData(element: .f32, dims: [values.count], bytes: Bytes(bytes)))
}

/// The cause of a difference; empty if the values agree as far as random ones can.
private func cause(_ a: [Float], _ b: [Float], _ random: RandomResults) -> String {
  do {
    try compare(floats(a), to: floats(b), Tolerance(), random)
    return ""
  } catch {
    return error.cause
  }
}

struct RandomComparisonTests {
  private let pattern: [Float] = (0..<100).map { $0 % 3 == 0 ? 0 : 2 }
  private let shifted: [Float] = (0..<100).map { $0 % 3 == 1 ? 0 : 2 }

  @Test func maskedValuesAgreeWhereBothAreKept() {
    #expect(cause(shifted, pattern, .masked) == "")
    #expect(cause(shifted.map { $0 * 1.1 }, pattern, .masked) == "kept values differ")
    #expect(cause(shifted.map { _ in 0 }, pattern, .masked) == "the distribution differs")
    #expect(cause(shifted.map { _ in 2 }, pattern, .masked) == "the distribution differs")
    #expect(cause(Array(shifted.dropLast()), pattern, .masked) == "shape differs")
  }

  @Test func drawnValuesHaveRangeAndMean() {
    let sample = (0..<100).map { Float($0 * 37 % 100) / 100 }
    #expect(cause(Array(sample.reversed()), sample, .drawn) == "")
    #expect(cause(sample.map { $0 * $0 * $0 }, sample, .drawn) == "the distribution differs")
    #expect(cause(sample.dropLast() + [3], sample, .drawn) == "a random value is out of range")
    #expect(cause(sample.dropLast() + [.nan], sample, .drawn) == "a random value is out of range")
  }
}
