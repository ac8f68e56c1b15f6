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

  @Test("have rows at computed positions innermost, if they are long, though the positions are more")
  func picked() throws {
    func order(channels: Int) throws -> [Int] {
      try self.order(
        """
        %0 = input f32[50, \(channels)]
        %1 = input i64[8, 300]
        %2 = map(%0, %1) { s0 = read 1[d1, d2]; s1 = add s0, i64 1; s2 = read 0[s1, d0] else f32 0.0; yield s2 } : f32[\(channels), 8, 300]
        return %2
        """)
    }
    #expect(try order(channels: 16) == [1, 2, 0])
    #expect(try order(channels: 8) == [0, 1, 2])
  }

  @Test("keep what reductions look up along the last axis as it is, also before it was reshaped")
  func lookedUp() throws {
    func lookup(_ column: String) throws -> [Int] {
      try order(
        """
        %0 = input f32[64, 3]
        %1 = constant <2, 0, 1, 2> : i64[4]
        %2 = map(%0) { s0 = multiply d0, i64 32; s1 = add s0, d3; s2 = read 0[s1, d2]; yield s2 } : f32[2, 1, 3, 32]
        %3 = reshape(%2) : f32[2, 3, 32]
        %4 = reduce(%3, %1) sum [4] { \(column); s1 = read 0[d0, s0, d1]; yield s1 } then { yield acc0 } : f32[2, 32]
        return %4
        """)
    }
    #expect(try lookup("s0 = read 1[d2]") == [0, 1, 2, 3])
    #expect(try lookup("s0 = floorDivide d2, i64 2") != [0, 1, 2, 3])
  }
}
