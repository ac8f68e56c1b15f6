import Support
import TensorIR
import Testing

/// Scalar graphs with far more paths than nodes.
@Suite("Shared nodes")
struct SharedNodeTests {
  private let count = 60

  @Test("have their bounds computed once") func bounds() throws {
    var graph = ScalarGraph()
    let x = graph.read(0, [], type: .f32)
    var value = graph.binary(.min, graph.binary(.max, x, graph.number(0, .f32)), graph.number(0.5, .f32))
    for _ in 0..<count { value = graph.times(value, value) }
    let bounds = try #require(graph.bounds(value))
    #expect(bounds.lowerBound <= 0 && (0...0.001).contains(bounds.upperBound))
    #expect(graph.bounds(x) == nil)
  }

  @Test("become linear once") func linear() {
    var graph = ScalarGraph()
    var value = graph.axis(0)
    for _ in 0..<count { value = graph.add(.binary(.add, value, value), type: .i64) }
    #expect(LinearForm(value, in: graph).axes == [0: Dim(1 << count)])
  }

  /// What is added may be rounded up, and a product of a negative number turns bounds around.
  @Test("of sums, products and roundings") func arithmetic() throws {
    var graph = ScalarGraph()
    let x = graph.read(0, [], type: .f32)
    let clamped = graph.binary(.min, graph.binary(.max, x, graph.number(-1, .f32)), graph.number(3, .f32))
    let sum = graph.unary(.rint, graph.multiplyAdd(clamped, graph.number(-2.5, .f32), graph.number(100, .f32)))
    let difference = graph.minus(sum, graph.number(1, .f32))
    let bounds = try #require(graph.bounds(difference))
    // From 92.5 and 102.5, which round to even, with room for one more.
    #expect((90.9...91).contains(bounds.lowerBound) && (102...102.1).contains(bounds.upperBound))
  }
}
