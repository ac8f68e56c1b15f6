import EmitC
import LoopIR
import LoopIRCases
import Testing

@Suite struct CTests {
  /// Cases of one operation and type in many sizes are the same to C.
  static let scalar = (operationCases + programCases).filter { !$0.hasVectors }

  @Test(arguments: scalar) func operation(_ test: LoopIRCase) throws {
    #expect(test.difference(of: try CompiledC(test.program).load(test.program.prefix)) == "")
  }
}
