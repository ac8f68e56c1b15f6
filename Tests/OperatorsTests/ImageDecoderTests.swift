import Driver
import Support
import Testing
import Verify

@testable import ONNXReader

/// A model that decodes an image of any number of bytes and doubles its rows.
private func model(_ format: String) -> Model {
  let nodes = [
    NodeDef(
      name: "decode", opType: "ImageDecoder", domain: "", overload: "", inputs: ["encoded"], outputs: ["pixels"],
      attributes: ["pixel_format": .text(format)]),
    NodeDef(
      name: "join", opType: "Concat", domain: "", overload: "", inputs: ["pixels", "pixels"], outputs: ["y"],
      attributes: ["axis": .int(0)]),
  ]
  let graph = GraphDef(
    name: "g", doc: "", nodes: nodes, inputs: [ValueInfo(name: "encoded", type: .tensor(.u8, [.param("bytes")]))],
    outputs: [ValueInfo(name: "y", type: nil)], valueInfos: [], initializers: [], sparseInitializers: [])
  return Model(
    irVersion: 10, opsets: ["": 20], producerName: "", producerVersion: "", domain: "", version: 1, doc: "",
    metadata: [], graph: graph, functions: [])
}

private func tensor(_ dims: [Int], _ bytes: [UInt8]) -> HostValue {
  .tensor(TensorData(element: .u8, dims: dims, bytes: Bytes(bytes)))
}

@Suite struct ImageDecoderTests {
  /// Two pixels of a pixmap, one and four of graymaps.
  private static let images: [(text: String, dims: [Int], colours: [UInt8], grays: [UInt8])] = [
    ("P3 2 1 255 255 0 0 1 2 3\n", [1, 2], [255, 0, 0, 1, 2, 3], [76, 2]),
    ("P2 1 1 255 77\n", [1, 1], [77, 77, 77], [77]),
    ("P2 2 2 3 0 1\n2 3\n", [2, 2], [0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255], [0, 85, 170, 255]),
  ]

  @Test(arguments: ["RGB", "BGR", "Grayscale"], CompileOptions.Backend.allCases)
  func oneModelTakesImagesOfAllSizes(_ format: String, _ backend: CompileOptions.Backend) throws {
    let model = model(format)
    var options = CompileOptions()
    options.backend = backend
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: options).compile(request)
    for image in Self.images {
      let bytes = Array(image.text.utf8)
      var pixels = format == "Grayscale" ? image.grays : image.colours
      if format == "BGR" { pixels = pixels.indices.map { pixels[$0 / 3 * 3 + 2 - $0 % 3] } }
      let expected = tensor([2 * image.dims[0], image.dims[1], format == "Grayscale" ? 1 : 3], pixels + pixels)
      let results = try code.run([tensor([bytes.count], bytes)])
      try compare(try #require(results.first), to: expected, Tolerance())
      let damaged = Array(bytes.prefix(bytes.count - 4))
      do {
        _ = try code.run([tensor([damaged.count], damaged)])
        Issue.record("a damaged image is decoded")
      } catch { #expect("\(error)".contains("status 8")) }
    }
  }
}
