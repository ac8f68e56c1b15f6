import ONNXReader
import Support

/// How a value differs from its reference.
public struct Difference: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of difference, the same for all values.
  public var cause: String
  /// What differs where.
  public var details: String

  public var description: String { details.isEmpty ? cause : "\(cause): \(details)" }
}

/// Throws how `actual` differs from `expected` beyond `tolerance`.
///
/// NaN equals NaN. Booleans and strings must be equal; so must integers, unless the tolerance was stated for them.
public func compare(_ actual: HostValue, to expected: HostValue, _ tolerance: Tolerance) throws(Difference) {
  switch (actual, expected) {
  case (.tensor(let a), .tensor(let b)): try compare(a, to: b, tolerance)
  case (.sequence(let a), .sequence(let b)): try compare(a, to: b, tolerance)
  case (.optional(nil), .optional(nil)): return
  case (.optional(let a?), .optional(let b?)): try compare(a, to: b, tolerance)
  case (.map(let a), .map(let b)):
    let (a, b) = (a.inOrder, b.inOrder)
    try compare(a.keys, to: b.keys, Tolerance(exact: true))
    try compare(a.values, to: b.values, tolerance)
  case (.tensor, _), (.sequence, _), (.optional, _), (.map, _):
    throw Difference(cause: "type differs", details: "\(actual.typeDescription) instead of \(expected.typeDescription)")
  }
}

extension HostMap {
  /// The map with rising keys: maps are equal whatever the order of their keys.
  fileprivate var inOrder: HostMap {
    let numbers = keys.doubles() ?? []
    guard keys.dims == [values.count], keys.element == .string || numbers.count == values.count else { return self }
    let order = values.indices.sorted { a, b in
      keys.element == .string ? keys.strings[a].lexicographicallyPrecedes(keys.strings[b]) : numbers[a] < numbers[b]
    }
    let sorted = order.map { values[$0] }
    if keys.element == .string {
      return HostMap(keys: TensorData(dims: keys.dims, strings: order.map { keys.strings[$0] }), values: sorted)
    }
    let size = keys.element.bytes
    let bytes = order.flatMap { position in (position * size..<(position + 1) * size).map { keys.bytes[$0] } }
    return HostMap(keys: TensorData(element: keys.element, dims: keys.dims, bytes: Bytes(bytes)), values: sorted)
  }
}

private func compare(_ actual: [HostValue], to expected: [HostValue], _ tolerance: Tolerance) throws(Difference) {
  guard actual.count == expected.count else {
    throw Difference(cause: "length differs", details: "\(actual.count) elements instead of \(expected.count)")
  }
  for (index, (a, b)) in zip(actual, expected).enumerated() {
    do {
      try compare(a, to: b, tolerance)
    } catch {
      throw Difference(cause: error.cause, details: "element \(index): \(error.details)")
    }
  }
}

private func compare(_ actual: TensorData, to expected: TensorData, _ tolerance: Tolerance) throws(Difference) {
  let (have, want) = (HostValue.tensor(actual).typeDescription, HostValue.tensor(expected).typeDescription)
  guard actual.element == expected.element else {
    throw Difference(cause: "type differs", details: "\(have) instead of \(want)")
  }
  guard actual.dims == expected.dims else {
    throw Difference(cause: "shape differs", details: "\(have) instead of \(want)")
  }
  guard let a = actual.doubles(), let b = expected.doubles() else {
    guard let index = actual.strings.indices.first(where: { actual.strings[$0] != expected.strings[$0] }) else {
      return
    }
    let (x, y) = (actual.strings[index], expected.strings[index])
    let shown = "'\(String(decoding: x, as: UTF8.self))' instead of '\(String(decoding: y, as: UTF8.self))'"
    throw Difference(cause: "values differ", details: "\(position(index, of: actual)) is \(shown)")
  }
  let integral = actual.element.isInteger && !tolerance.stated
  if tolerance.exact || integral || actual.element == .bool {
    try compareExactly(actual, expected, a, b)
  } else {
    try compare(a, b, tolerance, of: actual)
  }
}

private func compareExactly(
  _ actual: TensorData, _ expected: TensorData, _ a: [Double], _ b: [Double]
) throws(Difference) {
  if actual.bytes == expected.bytes { return }
  let width = max(1, actual.bytes.count / max(1, a.count))
  var summary = DifferenceSummary()
  for index in a.indices {
    let range = index * width..<(index + 1) * width
    let same =
      actual.element.isInteger
      ? actual.bytes[range] == expected.bytes[range] : a[index] == b[index] || a[index].isNaN && b[index].isNaN
    if !same { summary.add(index, a[index], b[index]) }
  }
  try summary.throwIfAny(of: actual, numbers: a.count)
}

private func compare(_ a: [Double], _ b: [Double], _ tolerance: Tolerance, of tensor: TensorData) throws(Difference) {
  var summary = DifferenceSummary()
  var total = 0.0
  for index in a.indices {
    let (x, y) = (a[index], b[index])
    if x == y || x.isNaN && y.isNaN { continue }
    let distance = abs(x - y)
    total += distance
    if !(distance <= tolerance.absolute + tolerance.relative * abs(y)) || y.isInfinite { summary.add(index, x, y) }
  }
  try summary.throwIfAny(of: tensor, numbers: a.count)
  guard let limit = tolerance.mean, !a.isEmpty else { return }
  let mean = total / Double(a.count)
  guard mean <= limit else {
    throw Difference(cause: "mean error is too large", details: "\(mean) instead of at most \(limit)")
  }
}

/// The first and the largest of many differing elements.
private struct DifferenceSummary {
  var count = 0
  var first: (index: Int, actual: Double, expected: Double)?
  var largest = 0.0

  mutating func add(_ index: Int, _ actual: Double, _ expected: Double) {
    count += 1
    if first == nil { first = (index, actual, expected) }
    let distance = abs(actual - expected)
    if !(distance <= largest) && !largest.isNaN { largest = distance }
  }

  func throwIfAny(of tensor: TensorData, numbers: Int) throws(Difference) {
    guard let first else { return }
    let index = numbers == tensor.count ? first.index : first.index / 2
    throw Difference(
      cause: "values differ",
      details: "\(position(index, of: tensor)) is \(first.actual) instead of \(first.expected); "
        + "\(count) of \(numbers) differ, by at most \(largest)")
  }
}

/// A row-major index as coordinates.
private func position(_ index: Int, of tensor: TensorData) -> String {
  var rest = index
  var coordinates: [Int] = []
  for dim in tensor.dims.reversed() {
    coordinates.insert(rest % max(dim, 1), at: 0)
    rest /= max(dim, 1)
  }
  return "[" + coordinates.map(String.init).joined(separator: ",") + "]"
}
