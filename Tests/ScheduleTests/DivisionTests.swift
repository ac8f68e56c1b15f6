import LoopIR
import Schedule
import TensorIR
import Testing

@Suite("Kernels for two threads")
struct DivisionTests {
  private func isDivided(_ text: String) throws -> Bool {
    let program = try Program(scheduling: try Graph(parsing: text), for: .avx512, threads: 2)
    try LoopIR.verify(program)
    return program.kernels.contains { !$0.scalars.isEmpty }
  }

  /// A vector that has to come to one thread from another one counts for several operations.
  @Test("divide what moves much sooner than what computes much", arguments: [1, 4])
  func moves(_ images: Int) throws {
    let map = """
      %0 = input f32[\(images), 16, 16, 16]
      %1 = map(%0) { s0 = read 0[d0, d1, d2, d3]; s1 = multiply s0, s0; yield s1 } : f32[\(images), 16, 16, 16]
      return %1
      """
    #expect(try isDivided(map) == (images == 4))
    let product = """
      %0 = input f32[1, \(images * 8)]
      %1 = input f32[\(images * 8), 1024]
      %2 = contract(%0, %1) f32 [\(images * 8)] lhs [d0, d2] rhs [d2, d1] then { yield acc0 } : f32[1, 1024]
      return %2
      """
    #expect(try !isDivided(product))
  }

  /// The pieces of each part in the calls of divided kernels.
  private func pieces(_ text: String, for target: Target = .avx512) throws -> [Int] {
    let program = try Program(scheduling: try Graph(parsing: text), for: target, threads: 2)
    try LoopIR.verify(program)
    var pieces: [Int] = []
    program.entry.walk { statement in
      guard case .loop(let loop) = statement, let call = DividedCall(loop) else { return }
      #expect(call.parts == 2)
      #expect(program.kernels[call.kernel].scalars.count == (call.pieces > 1 ? 2 : 1))
      pieces.append(call.pieces)
    }
    return pieces
  }

  @Test("have pieces that are worth taking over", arguments: [(8, 1), (16, 2), (64, 4)])
  func sizes(_ images: Int, _ expected: Int) throws {
    let map = """
      %0 = input f32[\(images), 16, 16, 16]
      %1 = map(%0) { s0 = read 0[d0, d1, d2, d3]; s1 = multiply s0, s0; yield s1 } : f32[\(images), 16, 16, 16]
      return %1
      """
    #expect(try pieces(map) == [expected])
  }

  @Test("have no pieces where the divided loop has few iterations for each thread", arguments: [(2, 1), (4, 2), (8, 4)])
  func iterations(_ images: Int, _ expected: Int) throws {
    let sums = """
      %0 = input f32[\(images), 4096, 256]
      %1 = reduce(%0) sum [4096, 256] { s0 = read 0[d0, d1, d2]; s1 = multiply s0, s0; yield s1 } then { yield acc0 } : f32[\(images)]
      return %1
      """
    #expect(try pieces(sums) == [expected])
  }

  @Test("have no pieces without vectors, where threads may not be able to share counters")
  func scalars() throws {
    let map = """
      %0 = input f32[1048576]
      %1 = map(%0) { s0 = read 0[d0]; s1 = multiply s0, s0; yield s1 } : f32[1048576]
      return %1
      """
    #expect(try pieces(map, for: .portable) == [1])
    #expect(try pieces(map) == [4])
  }
}
