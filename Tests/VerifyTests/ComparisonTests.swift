import ONNXReader
import Support
import Testing
import Verify

private func floats(_ values: [Float], dims: [Int]? = nil) -> HostValue {
  let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  return .tensor(TensorData(element: .f32, dims: dims ?? [values.count], bytes: Bytes(bytes)))
}

private func integers(_ values: [UInt8]) -> HostValue {
  .tensor(TensorData(element: .u8, dims: [values.count], bytes: Bytes(values)))
}

/// How the values differ; empty when they do not.
private func difference(_ a: HostValue, _ b: HostValue, _ tolerance: Tolerance = Tolerance()) -> String {
  do {
    try compare(a, to: b, tolerance)
    return ""
  } catch {
    return error.description
  }
}

struct ComparisonTests {
  @Test func acceptsWhatIsClose() {
    #expect(difference(floats([1, .nan, .infinity]), floats([1.0005, .nan, .infinity])) == "")
    #expect(difference(floats([]), floats([])) == "")
    #expect(difference(integers([3]), integers([4]), Tolerance(absolute: 1, stated: true)) == "")
    #expect(difference(.optional(nil), .optional(nil)) == "")
    #expect(difference(.sequence([floats([1])]), .sequence([floats([1])])) == "")
  }

  @Test func tellsTheFirstDifference() {
    let text = difference(floats([1, 2, 3, 4], dims: [2, 2]), floats([1, 2, 5, 7], dims: [2, 2]))
    #expect(text == "values differ: [1,0] is 3.0 instead of 5.0; 2 of 4 differ, by at most 3.0")
    #expect(difference(floats([.nan]), floats([1])).contains("values differ"))
    #expect(difference(floats([1]), floats([.infinity])).contains("values differ"))
    #expect(difference(integers([3]), integers([4]), Tolerance(absolute: 1)).contains("values differ"))
    #expect(difference(floats([1]), floats([1], dims: [1, 1])) == "shape differs: f32[1] instead of f32[1,1]")
    #expect(difference(floats([1]), integers([1])).hasPrefix("type differs"))
    #expect(difference(.sequence([]), .sequence([floats([1])])).hasPrefix("length differs"))
    #expect(difference(.optional(floats([1])), .optional(nil)).hasPrefix("type differs"))
    #expect(difference(floats([1]), floats([1.0001]), Tolerance(exact: true)).contains("values differ"))
    let mean = Tolerance(relative: 1, mean: 0.1)
    #expect(difference(floats([1, 1]), floats([1.5, 1.5]), mean).hasPrefix("mean error is too large"))
  }
}
