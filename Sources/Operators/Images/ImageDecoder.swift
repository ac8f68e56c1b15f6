import Support
import TensorIR

/// The pixels of an encoded image, which the decoders in `Runtime/images` give.
///
/// One call measures the image, whose extents and working memory are then sizes like any other; a second one decodes it.
struct ImageDecoder: Operator {
  let name = OperatorName("ImageDecoder", versions: 20)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let encoded = try node.input(0)
    let shape = b.shape(of: encoded)
    guard b.type(of: encoded).element == .u8, shape.count == 1 else {
      throw .invalid("the image is \(b.type(of: encoded)), not u8 of rank 1")
    }
    let format = try PixelFormat(node)
    let count = b.integers(shape)
    let measures = b.add(.external(measuring), [encoded, count])[0]
    let extents = b.measured(measures, as: "image")
    b.assume(extents.map { DimFact(0, .atMost, $0) })
    let decoding = decoding([extents[0], extents[1], Dim(format.channels)], work: extents[2], format)
    return [b.add(.external(decoding), [encoded, count, measures])[0]]
  }

  /// The call that gives height, width and bytes of working memory.
  private var measuring: External {
    let function = ExternalFunction(
      name: "onnxc_image_measure",
      parameters: [
        .init("encoded", .input, .u8), .init("count", .input, .i64), .init("measures", .output, .i64),
      ], documentation: "gives height, width and bytes of working memory of an image.", provider: .images)
    return External(
      function: function, arguments: [.operand(0), .operand(1), .result(0)], results: [TensorType(.i64, [3])])
  }

  /// The call that gives the pixels, with its working memory as a second result.
  private func decoding(_ shape: [Dim], work: Dim, _ format: PixelFormat) -> External {
    let function = ExternalFunction(
      name: "onnxc_image_decode",
      parameters: [
        .init("encoded", .input, .u8), .init("count", .input, .i64), .init("measures", .input, .i64),
        .init("format", .value, .i64), .init("pixels", .output, .u8), .init("work", .output, .u8),
      ], documentation: "decodes an image that was measured.", provider: .images)
    return External(
      function: function,
      arguments: [.operand(0), .operand(1), .operand(2), .integer(format.rawValue), .result(0), .result(1)],
      results: [TensorType(.u8, shape), TensorType(.u8, [work])])
  }
}

/// The order of the channels of a pixel; the numbers are those of `onnxc_images.h`.
private enum PixelFormat: Int {
  case rgb = 0
  case bgr = 1
  case grayscale = 2

  init(_ node: OperatorNode) throws(ModelError) {
    let name = try node.string("pixel_format", default: "RGB")
    switch name {
    case "RGB": self = .rgb
    case "BGR": self = .bgr
    case "Grayscale": self = .grayscale
    default: throw .invalid("attribute 'pixel_format' is '\(name)', not RGB, BGR or Grayscale")
    }
  }

  var channels: Int { self == .grayscale ? 1 : 3 }
}
