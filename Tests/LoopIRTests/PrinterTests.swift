import LoopIR
import LoopIRCases
import Testing

@Suite struct PrinterTests {
  @Test func kernel() throws {
    let test = try #require(programCases.first { $0.name == "conditional" })
    #expect(
      test.program.kernels[0].description == """
        kernel work(b0: read f32 align 4, b1: readWrite f32 align 4) {
          for v0 in 0 ..< 4 {
            if (b0[v0] > 0.0:f32) {
              b1[v0] = 1.0:f32
            } else {
              b1[v0] = -inf:f32
            }
          }
        }
        """)
  }

  @Test func program() throws {
    let test = try #require(programCases.first { $0.name == "symbolic" })
    #expect(
      test.program.description == """
        program case_model("in put": f32[$n]) -> (output: f32[$n])
        symbols n, "batch size"
        arena ($n * 64)
        b0: f32 is input 0
        b1: f32 is arena + 0
        b2: f32 is output 0
        k0: kernel copy(b0: read f32 align 4, b1: write f32 align 4) {
          copy b1[0 : $n] = b0[0 : $n]
        }
        entry {
          if ($n < 0) {
            fail 3
          }
          call k0(b0, b1)
          call k0(b1, b2)
        }
        """)
  }
}
