import EmitLLVM
import LoopIRCases
import Testing

@Suite struct JITTests {
  @Test(arguments: operationCases + programCases) func operation(_ test: LoopIRCase) throws {
    #expect(test.difference(of: try JITModel(test.program)) == "")
  }
}
