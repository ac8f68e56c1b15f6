import Support
import TensorIR

extension GraphBuilder {
  /// Probabilities of classes `[N, classes]` from decisions between pairs `[N, pairs]`, by the second method of Wu, Lin
  /// and Weng (2004) with the limits that libsvm uses.
  mutating func classProbabilities(
    _ decisions: ValueID, _ pairs: ClassPairs, _ slopes: [Double], _ offsets: [Double]
  ) throws(ModelError) -> ValueID {
    let count = pairs.list.count
    guard slopes.count >= count, offsets.count >= count else {
      throw .invalid("attributes 'prob_a' and 'prob_b' have fewer than \(count) elements")
    }
    let slope = floatRow(Array(slopes.prefix(count)))
    let offset = floatRow(Array(offsets.prefix(count)))
    let preferences = try elementwise([decisions, slope, offset]) { graph, values in
      let sum = graph.plus(graph.times(values[0], values[1]), values[2])
      let value = graph.unary(.sigmoid, graph.negate(sum))
      let atLeast = graph.binary(.max, graph.number(1e-7, .f32), value)
      return graph.binary(.min, graph.number(1 - 1e-7, .f32), atLeast)
    }
    let couplings = couplings(preferences, pairs)
    let rows = shape(of: decisions)[0]
    let start = try broadcast(scalar(1 / Double(pairs.count), .f32), to: [rows, Dim(pairs.count)])
    var outer = GraphBuilder(inside: self)
    _ = outer.input(TensorType(.i64, []))
    let state = outer.input(type(of: start))
    let matrix = outer.input(type(of: couplings))
    let next = try outer.couplingStep(state, matrix, pairs.count)
    let scan = Scan(
      length: Dim(max(100, pairs.count)), carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: outer.finish(outputs: [next]))
    return add(.scan(scan), [start, couplings])[0]
  }

  /// The matrices `[N, classes, classes]` of the quadratic form that the probabilities minimize.
  private mutating func couplings(_ preferences: ValueID, _ pairs: ClassPairs) -> ValueID {
    let count = pairs.count
    var positions = [Int](repeating: 0, count: count * count)
    for (position, (first, second)) in pairs.list.enumerated() {
      positions[first * count + second] = position
      positions[second * count + first] = position
    }
    let table = constant(ConstantTensor(.i32, dims: [count, count], integers: positions))
    /// How much class `a` is preferred to class `b`.
    func preference(_ a: ScalarID, _ b: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
      let position = graph.cast(graph.read(1, [a, b], type: .i32), to: .i64)
      let value = graph.read(0, [graph.axis(0), position], type: .f32)
      let reversed = graph.minus(graph.number(1, .f32), value)
      return graph.select(graph.compare(.less, a, b), value, reversed)
    }
    var squares = ScalarGraph()
    let (own, other) = (squares.axis(1), squares.axis(2))
    let value = preference(other, own, &squares)
    squares.results = [
      squares.select(squares.compare(.equal, own, other), squares.number(0, .f32), squares.times(value, value))
    ]
    let shape = [shape(of: preferences)[0], Dim(count)]
    let diagonal = reduce(
      .sum, shape: shape, reduced: [Dim(count)], operands: [preferences, table], body: squares)[0]
    var body = ScalarGraph()
    let (row, column) = (body.axis(1), body.axis(2))
    let product = body.times(preference(column, row, &body), preference(row, column, &body))
    let sum = body.read(2, [body.axis(0), row], type: .f32)
    body.results = [body.select(body.compare(.equal, row, column), sum, body.negate(product))]
    return map(shape + [Dim(count)], body, [preferences, table, diagonal])
  }

  /// One round of updates of all classes; rows that are settled stay as they are.
  private mutating func couplingStep(_ state: ValueID, _ matrix: ValueID, _ count: Int) throws(ModelError) -> ValueID {
    let shape = shape(of: state)
    var product = ScalarGraph()
    product.results = [
      product.times(
        product.read(0, [product.axis(0), product.axis(1), product.axis(2)], type: .f32),
        product.read(1, [product.axis(0), product.axis(2)], type: .f32))
    ]
    let slopes = reduce(.sum, shape: shape, reduced: [Dim(count)], operands: [matrix, state], body: product)[0]
    let total = reduceAxes(try elementwise([slopes, state]) { $0.times($1[0], $1[1]) }, [1], keepsAxes: true, .sum)
    let distance = try elementwise([slopes, total]) { $0.unary(.abs, $0.minus($1[0], $1[1])) }
    let error = reduceAxes(distance, [1], keepsAxes: true, .max)
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let states = [state, slopes, total].map { inner.input(type(of: $0)) }
    let captured = inner.input(type(of: matrix))
    let scan = Scan(
      length: Dim(count), carried: 3, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: try inner.classUpdate(step, states[0], states[1], states[2], captured)))
    let next = add(.scan(scan), [state, slopes, total, matrix])[0]
    return try elementwise([error, next, state]) { graph, values in
      let isSettled = graph.compare(.less, values[0], graph.number(0.005 / Double(count), .f32))
      return graph.select(isSettled, values[2], values[1])
    }
  }

  /// Moves one class to where the form is least, and scales all back to a sum of 1.
  private mutating func classUpdate(
    _ step: ValueID, _ state: ValueID, _ slopes: ValueID, _ total: ValueID, _ matrix: ValueID
  ) throws(ModelError) -> [ValueID] {
    let shape = shape(of: state)
    var change = ScalarGraph()
    let (row, own) = (change.axis(0), change.read(3, [], type: .i64))
    let slope = change.read(0, [row, own], type: .f32)
    let sum = change.read(1, [row, change.integer(0)], type: .f32)
    change.results = [change.over(change.minus(sum, slope), change.read(2, [row, own, own], type: .f32))]
    let difference = map([shape[0], 1], change, [slopes, total, matrix, step])
    func update(_ compute: (inout ScalarGraph, ScalarID, ScalarID, ScalarID) -> ScalarID) -> ScalarGraph {
      var body = ScalarGraph()
      let row = body.axis(0)
      let difference = body.read(0, [row, body.integer(0)], type: .f32)
      let own = body.read(1, [], type: .i64)
      let scale = body.plus(body.number(1, .f32), difference)
      body.results = [compute(&body, difference, own, scale)]
      return body
    }
    let nextState = update { body, difference, own, scale in
      let isOwn = body.compare(.equal, body.axis(1), own)
      let old = body.read(2, [body.axis(0), body.axis(1)], type: .f32)
      return body.over(body.select(isOwn, body.plus(old, difference), old), scale)
    }
    let nextSlopes = update { body, difference, own, scale in
      let old = body.read(2, [body.axis(0), body.axis(1)], type: .f32)
      let entry = body.read(3, [body.axis(0), own, body.axis(1)], type: .f32)
      return body.over(body.plus(old, body.times(difference, entry)), scale)
    }
    let nextTotal = update { body, difference, own, scale in
      let old = body.read(4, [body.axis(0), body.integer(0)], type: .f32)
      let slope = body.read(2, [body.axis(0), own], type: .f32)
      let entry = body.read(3, [body.axis(0), own, own], type: .f32)
      let inner = body.plus(body.times(difference, entry), body.times(body.number(2, .f32), slope))
      return body.over(body.over(body.plus(old, body.times(difference, inner)), scale), scale)
    }
    return [
      map(shape, nextState, [difference, step, state]), map(shape, nextSlopes, [difference, step, slopes, matrix]),
      map([shape[0], 1], nextTotal, [difference, step, slopes, matrix, total]),
    ]
  }
}
