import LoopIR
import ModelHost
import Testing

/// A state that is copied before one element changes, and one that a kernel reads where it writes.
private let text = """
  program m(x: f32[4], h: f32[4]) -> (y: f32[4] updates 0, z: f32[4] updates 1)
  arena 0
  b0: f32 is input 0
  b1: f32 is output 0
  b2: f32 is input 1
  b3: f32 is output 1
  k0: kernel set(b0: readWrite f32 align 4) {
    b0[2] = (b0[2] + 1.0:f32)
  }
  k1: kernel double(b0: read f32 align 4 coincides, b1: write f32 align 4 coincides) {
    for v0 in 0 ..< 4 {
      b1[v0] = (b0[v0] + b0[v0])
    }
  }
  entry {
    copy b1[0 : 4] = b0[0 : 4]
    call k0(b1)
    call k1(b2, b3)
  }
  """

@Suite("Updates in place, in C") struct UpdateTests {
  @Test("give what copies give", arguments: [false, true]) func update(_ inPlace: Bool) throws {
    let program = try Program(parsing: text) { _, _ in nil }
    try LoopIR.verify(program)
    let compiled = try CompiledC(program)
    #expect(compiled.source.source.contains("if (y != x) memcpy(y, x, "))
    #expect(compiled.source.header.contains("#define M_Z_MAY_BE_H 1"))
    let model = try compiled.load("m")
    let places = (0..<4).map { _ in UnsafeMutablePointer<Float>.allocate(capacity: 4) }
    defer { for place in places { place.deallocate() } }
    for place in places { for index in 0..<4 { place[index] = Float(index + 1) } }
    let results = inPlace ? places.prefix(2) : places.suffix(2)
    var outputs = results.map { Optional(UnsafeMutableRawPointer($0)) }
    var dims: [Int64] = [0, 0]
    let status = model.run(
      arena: nil, inputs: places.prefix(2).map { UnsafeRawPointer($0) }, outputs: &outputs, symbols: [], dims: &dims,
      memory: HostMemory(), threads: nil)
    #expect(status == 0)
    #expect(results.map { Array(UnsafeBufferPointer(start: $0, count: 4)) } == [[1, 2, 4, 4], [2, 4, 6, 8]])
  }
}
