import Schedule
import TensorIR
import Testing

/// The order in which maps write what they compute.
@Suite("Layouts")
struct LayoutTests {
  /// That of the first map.
  private func order(_ text: String) throws -> [Int] {
    let laidOut = assignLayouts(try Graph(parsing: text))
    let map = try #require(laidOut.graph.nodes.first { if case .map = $0.primitive { true } else { false } })
    return laidOut.layouts[map.results[0].index].order
  }

  @Test("follow dimensions whose positions a table has")
  func tables() throws {
    #expect(
      try order(
        """
        %0 = input f32[2, 3, 4, 5]
        %1 = constant <0, 0, 1, 1, 2, 2, 3, 3, 4, 4> : i64[10, 1]
        %2 = map(%0, %1) { s0 = read 1[d3, i64 0]; s1 = read 0[d0, d1, d2, s0]; yield s1 } : f32[2, 3, 4, 10]
        return %2
        """) == [0, 1, 2, 3])
  }

  @Test("put axes outermost that only tell apart positions by a table what another axis walks too")
  func blocks() throws {
    #expect(
      try order(
        """
        %0 = input f32[2, 10, 3]
        %1 = constant <0, 2, 1, 1> : i64[4, 1]
        %2 = map(%0, %1) { s0 = read 1[d2, i64 0]; s1 = multiply d1, i64 2; s2 = add s0, s1; s3 = read 0[d0, s2, d3]; yield s3 } : f32[2, 4, 4, 3]
        return %2
        """) == [2, 0, 1, 3])
  }
}
