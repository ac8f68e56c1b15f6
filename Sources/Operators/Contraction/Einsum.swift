import Support
import TensorIR

/// A sum of products given by axis labels.
struct Einsum: Operator {
  let name = OperatorName("Einsum", versions: 12, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = try node.inputs()
    try b.requireSameType(operands)
    let equation = try EinsumEquation(node.string("equation", default: ""), operands.map { b.shape(of: $0) }, &b)
    var terms: [EinsumTerm] = []
    for (value, labels) in zip(operands, equation.inputs) { terms.append(diagonal(value, labels, &b)) }
    while terms.count > 1 {
      let rest = Set(terms.dropFirst(2).flatMap(\.labels)).union(equation.output)
      let product = multiply(terms[0], terms[1], kept: rest, equation, &b)
      terms.replaceSubrange(0..<2, with: [product])
    }
    return [finish(terms[0], equation, &b)]
  }

  /// Takes the diagonal of axes with the same label.
  private func diagonal(_ value: ValueID, _ labels: [String], _ b: inout GraphBuilder) -> EinsumTerm {
    var unique: [String] = []
    for label in labels where !unique.contains(label) { unique.append(label) }
    if unique.count == labels.count { return EinsumTerm(value: value, labels: labels) }
    let type = b.type(of: value)
    var body = ScalarGraph()
    let indices = labels.map { body.axis(unique.firstIndex(of: $0) ?? 0) }
    body.results = [body.read(0, indices, type: type.element)]
    let shape = unique.map { type.shape[labels.firstIndex(of: $0) ?? 0] }
    return EinsumTerm(value: b.map(shape, body, [value]), labels: unique)
  }

  private func multiply(
    _ lhs: EinsumTerm, _ rhs: EinsumTerm, kept: Set<String>, _ equation: EinsumEquation, _ b: inout GraphBuilder
  ) -> EinsumTerm {
    // Batch labels first, then those of the left and of the right, as a matrix product has them.
    let isShared = { (label: String) in lhs.labels.contains(label) && rhs.labels.contains(label) }
    let outer =
      lhs.labels.filter { kept.contains($0) && isShared($0) } + lhs.labels.filter { kept.contains($0) && !isShared($0) }
      + rhs.labels.filter { kept.contains($0) && !isShared($0) }
    var summed: [String] = []
    for label in lhs.labels + rhs.labels where !kept.contains(label) && !summed.contains(label) { summed.append(label) }
    let axes = outer + summed
    let element = b.type(of: lhs.value).element
    func indices(_ term: EinsumTerm) -> [AffineIndex] {
      zip(term.labels, b.shape(of: term.value)).map { label, extent in
        extent == 1 && equation.extents[label] != 1 ? AffineIndex() : .axis(axes.firstIndex(of: label) ?? 0)
      }
    }
    let shape = outer.map { equation.extents[$0] ?? 1 }
    let (left, right) = (indices(lhs), indices(rhs))
    var body = ScalarGraph()
    if summed.isEmpty {
      let factors = [(0, left), (1, right)].map { operand, indices in
        let positions = indices.map { body.affineIndex($0) }
        return body.read(operand, positions, type: element)
      }
      body.results = [body.times(factors[0], factors[1])]
      return EinsumTerm(value: b.map(shape, body, [lhs.value, rhs.value]), labels: outer)
    }
    body.results = [body.accumulator(0, element)]
    let contract = Contract(
      shape: shape, reduced: summed.map { equation.extents[$0] ?? 1 }, lhs: left, rhs: right, accumulator: element,
      epilogue: body)
    return EinsumTerm(value: b.add(.contract(contract), [lhs.value, rhs.value])[0], labels: outer)
  }

  /// Sums labels that the result lacks and orders the axes.
  private func finish(_ term: EinsumTerm, _ equation: EinsumEquation, _ b: inout GraphBuilder) -> ValueID {
    let summed = term.labels.indices.filter { !equation.output.contains(term.labels[$0]) }
    let value = summed.isEmpty ? term.value : b.reduceAxes(term.value, summed, keepsAxes: false, .sum)
    let labels = term.labels.filter { equation.output.contains($0) }
    return b.transpose(value, equation.output.map { labels.firstIndex(of: $0) ?? 0 })
  }
}

private struct EinsumTerm {
  var value: ValueID
  var labels: [String]
}

/// Labels by axis; the axes of an ellipsis are labelled `.1`, `.2`… from the last one.
struct EinsumEquation {
  var inputs: [[String]] = []
  var output: [String] = []
  var extents: [String: Dim] = [:]

  init(_ text: String, _ shapes: [[Dim]], _ b: inout GraphBuilder) throws(ModelError) {
    let squeezed = text.filter { $0 != " " }
    let sides = squeezed.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2, sides.count == 1 || sides[0].hasSuffix("-") else {
      throw .invalid("equation '\(text)' is malformed")
    }
    let left = sides.count == 2 ? String(sides[0].dropLast()) : sides[0]
    let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard terms.count == shapes.count else {
      throw .invalid("equation '\(text)' has \(terms.count) terms for \(shapes.count) arguments")
    }
    for (term, shape) in zip(terms, shapes) { inputs.append(try Self.labels(term, rank: shape.count)) }
    for (labels, shape) in zip(inputs, shapes) {
      for (label, extent) in zip(labels, shape) {
        let known = extents[label] ?? 1
        if known != 1, extent != 1 { try b.requireEqual(known, extent, "the extents of label '\(label)'") }
        if known == 1 || known.constant == nil && extent != 1 { extents[label] = extent }
      }
    }
    let all = inputs.flatMap { $0 }
    let dots = Set(all.filter { $0.hasPrefix(".") }).sorted { ($0.count, $0) > ($1.count, $1) }
    if sides.count == 2 {
      let explicit = sides[1].filter { $0 != "." }.count
      output = try Self.labels(sides[1], rank: explicit + (sides[1].contains(".") ? dots.count : 0))
    } else {
      output = dots + Set(all).filter { label in !label.hasPrefix(".") && all.count { $0 == label } == 1 }.sorted()
    }
    if let unknown = output.first(where: { !all.contains($0) }) {
      throw .invalid("label '\(unknown)' is not in any argument")
    }
  }

  private static func labels(_ term: String, rank: Int) throws(ModelError) -> [String] {
    var result: [String] = []
    let letters = term.filter { $0 != "." }
    let covered = rank - letters.count
    let hasDots = term.count != letters.count
    guard covered >= 0, hasDots || covered == 0, !hasDots || term.count == letters.count + 3 else {
      throw .invalid("term '\(term)' does not fit rank \(rank)")
    }
    var rest = term[...]
    while let first = rest.first {
      if first == "." {
        guard rest.hasPrefix("...") else { throw .invalid("term '\(term)' is malformed") }
        result += (0..<covered).map { ".\(covered - $0)" }
        rest = rest.dropFirst(3)
      } else {
        guard first.isASCII, first.isLetter else { throw .invalid("term '\(term)' has a label that is no letter") }
        result.append(String(first))
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
