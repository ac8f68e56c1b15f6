import Glibc
import Support
import TensorIR

/// The factors of a discrete Fourier transform as a constant.
struct FourierMatrix {
  var length: Int
  var isInverse: Bool
  /// Whether only the first half of the frequencies is computed, or, for the inverse, given.
  var isOneSided: Bool

  /// Frequencies, or samples for the inverse.
  var results: Int { isOneSided && !isInverse ? length / 2 + 1 : length }
  /// Components of a result: the real part and, unless the result is real, the imaginary part.
  var resultParts: Int { isOneSided && isInverse ? 1 : 2 }
  /// Positions that are summed.
  var terms: Int { isOneSided && isInverse ? length / 2 + 1 : length }

  /// Whether a product with the matrix takes no longer than a fast transform.
  var isSmall: Bool { length <= 1 << 9 }

  /// Factors by position, component of the element, result and component of the result.
  func factors(parts: Int, _ element: ElementType) -> ConstantTensor {
    let angles = (0..<length).map { 2 * Double.pi * Double($0) / Double(length) }
    let cosines = angles.map { cos($0) }
    let sines = angles.map { isInverse ? sin($0) : -sin($0) }
    var values: [Double] = []
    values.reserveCapacity(terms * parts * results * resultParts)
    for term in 0..<terms {
      var weight = isInverse ? 1 / Double(length) : 1
      // The missing half mirrors all frequencies but the first and, for even lengths, the last.
      if isInverse, isOneSided, term > 0, term * 2 != length { weight *= 2 }
      for part in 0..<parts {
        for result in 0..<results {
          let turn = term * result % length
          let (cosine, sine) = (weight * cosines[turn], weight * sines[turn])
          values.append(part == 0 ? cosine : -sine)
          if resultParts == 2 { values.append(part == 0 ? sine : cosine) }
        }
      }
    }
    return ConstantTensor(element, dims: [terms, parts, results, resultParts], doubles: values)
  }
}
