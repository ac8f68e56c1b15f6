import Support
import TensorIR

/// The different elements or slices of a tensor, with where they are, where they go, and how often they occur.
struct Unique: ContainerOperator {
  let name = OperatorName("Unique", versions: 11, 28)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    try Unique.groups(
      of: try node.value(0), axis: try node.int("axis"), isSorted: try node.flag("sorted", default: true), &b)
  }

  /// The results for a tensor of numbers or strings.
  static func groups(of x: ImportedValue, axis: Int?, isSorted: Bool, _ b: inout GraphBuilder) throws(ModelError)
    -> [ImportedValue]
  {
    guard case .strings(let strings) = x else {
      let x = try x.tensor("argument 0")
      return try groups(of: x, axis: axis, isSorted: isSorted, &b) { (slices, _) in slices }.map { .tensor($0) }
    }
    // Strings are compared as rows of bytes, in which -1 stands behind the end.
    let results = try groups(of: strings.spans, axis: axis, isSorted: isSorted, &b) { (spans, b) in
      let shape = b.shape(of: spans)
      let width = b.longest(ImportedStrings(spans: spans, bytes: strings.bytes)) + 1
      var body = ScalarGraph()
      let span = body.read(0, [body.axis(0), body.axis(1)], type: .i64)
      body.results = [body.byte(1, ofSpan: span, at: body.axis(2))]
      let bytes = b.map(shape + [width], body, [spans, strings.bytes])
      return b.reshape(bytes, [shape[0], shape[1] * width])
    }
    return [.strings(ImportedStrings(spans: results[0], bytes: strings.bytes))] + results.dropFirst().map { .tensor($0) }
  }

  /// The results for slices of which `rows` says what is compared.
  private static func groups(
    of given: ValueID, axis attribute: Int?, isSorted: Bool, _ b: inout GraphBuilder,
    _ rows: (ValueID, inout GraphBuilder) -> ValueID
  ) throws(ModelError) -> [ValueID] {
    var x = b.reshape(given, [b.shape(of: given).product])
    var axis = 0
    if let attribute {
      axis = try normalizedAxis(attribute, rank: b.shape(of: given).count)
      x = given
    }
    let shape = b.shape(of: x)
    let order = [axis] + shape.indices.filter { $0 != axis }
    let slices = rows(b.reshape(b.transpose(x, order), [shape[axis], order.dropFirst().map { shape[$0] }.product]), &b)
    let sorted = try b.sortedSlices(slices)
    var groups = try b.groups(of: slices, sorted)
    if !isSorted { groups = b.byFirstOccurrence(groups) }
    let picked = b.pick(x, groups.first, groups.count, axis: axis)
    return [picked, groups.first, groups.inverse, groups.sizes]
  }
}

/// The different elements of a vector in the order in which they occur, with where they go and how often they occur.
struct MicrosoftUnique: ContainerOperator {
  let name = OperatorName("Unique", domain: "com.microsoft", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.value(0)
    guard let data = x.values.first, b.shape(of: data).count == 1 else {
      throw .invalid("the data does not have rank 1")
    }
    let groups = try Unique.groups(of: x, axis: 0, isSorted: false, &b)
    return [groups[0], groups[2], groups[3]]
  }
}

/// Equal slices: by group, the position of its first slice and its size; by slice, its group.
private struct SliceGroups {
  var count: Dim
  var first: ValueID
  var sizes: ValueID
  var inverse: ValueID
}

extension GraphBuilder {
  /// The order of the rows of a matrix, compared element by element from the first column on.
  fileprivate mutating func sortedSlices(_ rows: ValueID) throws(ModelError) -> ValueID {
    let shape = shape(of: rows)
    var identity = ScalarGraph()
    identity.results = [identity.axis(0)]
    let unsorted = map([shape[0]], identity, [])
    if shape[1] == 1 {
      return add(.sort(Sort(axis: 0, descending: false, limit: shape[0])), [reshape(rows, [shape[0]])])[1]
    }
    // Stable sorts by one column after the other, the most important one last.
    var inner = GraphBuilder(inside: self)
    _ = inner.input(TensorType(.i64, []))
    let order = inner.input(TensorType(.i64, [shape[0]]))
    let column = inner.input(TensorType(type(of: rows).element, [shape[0]]))
    let values = inner.pick(column, order, shape[0], axis: 0)
    let sorted = inner.add(.sort(Sort(axis: 0, descending: false, limit: shape[0])), [values])[1]
    let next = inner.pick(order, sorted, shape[0], axis: 0)
    let scan = Scan(
      length: shape[1], carried: 1, scanned: 1, reversedInputs: [true], reversedOutputs: [],
      body: inner.finish(outputs: [next]))
    return add(.scan(scan), [unsorted, transpose(rows, [1, 0])])[0]
  }

  fileprivate mutating func groups(of rows: ValueID, _ order: ValueID) throws(ModelError) -> SliceGroups {
    let (shape, element) = (shape(of: rows), type(of: rows).element)
    var body = ScalarGraph()
    let before = body.binary(.max, body.plus(body.axis(0), body.integer(-1)), body.integer(0))
    func row(_ place: ScalarID) -> ScalarID {
      let position = body.clamped(body.read(1, [place], type: .i64), extent: shape[0])
      return body.read(0, [position, body.axis(1)], type: element)
    }
    let differs = body.compare(.notEqual, row(body.axis(0)), row(before))
    body.results = [body.cast(differs, to: .i64)]
    let starts = reduce(
      .max, shape: [shape[0]], reduced: [shape[1]], operands: [rows, order], body: body,
      epilogue: { graph, values in
        let isFirst = graph.cast(graph.compare(.equal, graph.axis(0), graph.integer(0)), to: .i64)
        return [graph.binary(.max, values[0], isFirst)]
      })[0]
    let (places, count) = positions(in: [shape[0]], "unique", [starts]) { graph in
      let here = graph.axis(0)
      return graph.compare(.notEqual, graph.read(0, [here], type: .i64), graph.integer(0))
    }
    let totals = try running(starts, axis: 0, .add, start: 0)
    var target = ScalarGraph()
    let slice = target.axis(0)
    target.results = [target.read(1, [slice], type: .i64), target.plus(target.read(2, [slice], type: .i64), target.integer(-1))]
    let zeros = try broadcast(scalar(0, .i64), to: [shape[0]])
    let scatter = Scatter(updates: [shape[0]], combiner: .assign, target: target)
    let inverse = add(.scatter(scatter), [zeros, order, totals])[0]
    var size = ScalarGraph()
    let here = size.axis(0)
    let next = size.plus(here, size.integer(1))
    let isLast = size.compare(.equal, next, size.dim(count))
    let end = size.select(isLast, size.dim(shape[0]), size.read(0, [next], outside: size.integer(0), type: .i64))
    size.results = [size.minus(end, size.read(0, [here], type: .i64))]
    return SliceGroups(
      count: count, first: pick(order, places, count, axis: 0), sizes: map([count], size, [places]), inverse: inverse)
  }

  /// Groups in the order in which they begin.
  fileprivate mutating func byFirstOccurrence(_ groups: SliceGroups) -> SliceGroups {
    let sorted = add(.sort(Sort(axis: 0, descending: false, limit: groups.count)), [groups.first])
    var target = ScalarGraph()
    let place = target.axis(0)
    target.results = [target.read(1, [place], type: .i64), place]
    let scatter = Scatter(updates: [groups.count], combiner: .assign, target: target)
    let ranks = add(.scatter(scatter), [groups.first, sorted[1]])[0]
    return SliceGroups(
      count: groups.count, first: sorted[0], sizes: pick(groups.sizes, sorted[1], groups.count, axis: 0),
      inverse: pick(ranks, groups.inverse, shape(of: groups.inverse)[0], axis: 0))
  }
}
