import Support
import Testing

@Suite struct ExternalFunctionTests {
  @Test(arguments: ExternalFunction.Provider.allCases) func textIsReadBack(_ provider: ExternalFunction.Provider) throws {
    let parameters = [
      ExternalFunction.Parameter("x", .input, .u8), ExternalFunction.Parameter("count", .value, .i64),
      ExternalFunction.Parameter("y", .output, .f32),
    ]
    let function = ExternalFunction(name: "f", parameters: parameters, documentation: "from \"x\"", provider: provider)
    var reader = try TextReader(function.description)
    #expect(try ExternalFunction(&reader) == function)
    #expect(reader.token == .end)
  }

  @Test func unknownProviderIsAnError() throws {
    var reader = try TextReader("f(x: input u8) \"\" from nowhere")
    #expect(throws: ParseError.self) { try ExternalFunction(&reader) }
  }
}
