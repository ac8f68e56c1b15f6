import Glibc
import Support
import TensorIR

/// Triangular filters from linear frequencies to the mel scale.
struct MelWeightMatrix: Operator {
  let name = OperatorName("MelWeightMatrix", versions: 17)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let bins = try b.requireConstantIntegers(try node.input(0), "the number of mel bins").first ?? 0
    let length = try b.requireConstantIntegers(try node.input(1), "the transform's length").first ?? 0
    let rate = try b.requireConstantIntegers(try node.input(2), "the sample rate").first ?? 0
    let low = try b.requireNumbers(try node.input(3), "the lower edge").first ?? 0
    let high = try b.requireNumbers(try node.input(4), "the upper edge").first ?? 0
    guard bins > 0, length > 0, rate > 0, low >= 0, high > low, bins < 1 << 20, length < 1 << 24 else {
      throw .invalid(
        "\(bins) mel bins from \(low) to \(high) Hz do not fit a transform of length \(length) at \(rate) Hz")
    }
    let element = try node.elementType("output_datatype") ?? .f32
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    let step = (mel(high) - mel(low)) / Double(bins + 2)
    let edges = (0..<bins + 2).map { position in
      let hertz = 700 * (pow(10, (mel(low) + Double(position) * step) / 2595) - 1)
      return Int((Double(length + 1) * hertz / Double(rate)).rounded(.down))
    }
    let rows = length / 2 + 1
    guard edges.allSatisfy({ (0..<rows).contains($0) }) else {
      throw .invalid("the upper edge \(high) Hz lies above half of the sample rate")
    }
    var values = [Double](repeating: 0, count: rows * bins)
    for bin in 0..<bins {
      let (left, centre, right) = (edges[bin], edges[bin + 1], edges[bin + 2])
      if centre == left { values[centre * bins + bin] = 1 }
      for row in left...centre where centre > left {
        values[row * bins + bin] = Double(row - left) / Double(centre - left)
      }
      for row in centre..<right { values[row * bins + bin] = Double(right - row) / Double(right - centre) }
    }
    guard element.isFloat else {
      return [b.constant(ConstantTensor(element, dims: [rows, bins], integers: values.map { Int($0) }))]
    }
    return [b.constant(ConstantTensor(element, dims: [rows, bins], doubles: values))]
  }
}
