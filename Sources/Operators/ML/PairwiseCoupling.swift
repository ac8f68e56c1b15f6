import Support
import TensorIR

extension GraphBuilder {
  /// Probabilities of classes `[N, classes]` from decisions between pairs `[N, pairs]`, by the second method of Wu, Lin
  /// and Weng (2004) with the limits that libsvm uses.
  ///
  /// Rows are the last axis of all that is computed on the way, so that vectors run along them.
  mutating func classProbabilities(
    _ decisions: ValueID, _ pairs: ClassPairs, _ slopes: [Double], _ offsets: [Double]
  ) throws(ModelError) -> ValueID {
    let count = pairs.list.count
    guard slopes.count >= count, offsets.count >= count else {
      throw .invalid("attributes 'prob_a' and 'prob_b' have fewer than \(count) elements")
    }
    let rows = shape(of: decisions)[0]
    let couplings = couplings(
      preferences(decisions, floatRow(Array(slopes.prefix(count))), floatRow(Array(offsets.prefix(count)))), pairs)
    let start = try broadcast(scalar(1 / Double(pairs.count), .f32), to: [Dim(pairs.count), rows])
    let gradient = try couplingGradient(start, couplings, pairs.count)
    let initial = [gradient.goesOn, start, gradient.slopes, gradient.total, gradient.isOpen]
    var outer = GraphBuilder(inside: self)
    _ = outer.input(TensorType(.i64, []))
    let states = initial.map { outer.input(type(of: $0)) }
    let matrix = outer.input(type(of: couplings))
    let next = try outer.couplingStep(Array(states.dropFirst()), matrix, pairs.count)
    let scan = Scan(
      length: Dim(max(100, pairs.count)), carried: states.count, scanned: 0, reversedInputs: [], reversedOutputs: [],
      stopsEarly: true, body: outer.finish(outputs: next))
    return transpose(add(.scan(scan), initial + [couplings])[1], [1, 0])
  }

  /// The probabilities `[pairs, N]` that the first class of a pair is the right one of both.
  private mutating func preferences(_ decisions: ValueID, _ slopes: ValueID, _ offsets: ValueID) -> ValueID {
    var graph = ScalarGraph()
    let (pair, row) = (graph.axis(0), graph.axis(1))
    let scaled = graph.times(graph.read(0, [row, pair], type: .f32), graph.read(1, [pair], type: .f32))
    let sum = graph.plus(scaled, graph.read(2, [pair], type: .f32))
    let atLeast = graph.binary(.max, graph.number(1e-7, .f32), graph.unary(.sigmoid, graph.negate(sum)))
    graph.results = [graph.binary(.min, graph.number(1 - 1e-7, .f32), atLeast)]
    let shape = shape(of: decisions)
    return map([shape[1], shape[0]], graph, [decisions, slopes, offsets])
  }

  /// The matrices `[classes, classes, N]` of the quadratic form that the probabilities minimize.
  private mutating func couplings(_ preferences: ValueID, _ pairs: ClassPairs) -> ValueID {
    let count = pairs.count
    var positions = [Int](repeating: 0, count: count * count)
    for (position, (first, second)) in pairs.list.enumerated() {
      positions[first * count + second] = position
      positions[second * count + first] = position
    }
    let table = constant(ConstantTensor(.i32, dims: [count, count], integers: positions))
    /// How much class `a` is preferred to class `b` in a row.
    func preference(_ a: ScalarID, _ b: ScalarID, _ row: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
      let position = graph.cast(graph.read(1, [a, b], type: .i32), to: .i64)
      let value = graph.read(0, [position, row], type: .f32)
      let reversed = graph.minus(graph.number(1, .f32), value)
      return graph.select(graph.compare(.less, a, b), value, reversed)
    }
    let rows = shape(of: preferences)[1]
    var squares = ScalarGraph()
    let (own, other) = (squares.axis(0), squares.axis(2))
    let value = preference(other, own, squares.axis(1), &squares)
    squares.results = [
      squares.select(squares.compare(.equal, own, other), squares.number(0, .f32), squares.times(value, value))
    ]
    let diagonal = reduce(
      .sum, shape: [Dim(count), rows], reduced: [Dim(count)], operands: [preferences, table], body: squares)[0]
    var body = ScalarGraph()
    let (first, second, row) = (body.axis(0), body.axis(1), body.axis(2))
    let product = body.times(preference(second, first, row, &body), preference(first, second, row, &body))
    let sum = body.read(2, [first, row], type: .f32)
    body.results = [body.select(body.compare(.equal, first, second), sum, body.negate(product))]
    return map([Dim(count), Dim(count), rows], body, [preferences, table, diagonal])
  }

  /// Where the probabilities `[classes, N]` are: the slopes of the form, their mean, which rows `[1, N]` are not settled,
  /// and whether any is.
  private mutating func couplingGradient(_ state: ValueID, _ matrix: ValueID, _ count: Int) throws(ModelError)
    -> (slopes: ValueID, total: ValueID, isOpen: ValueID, goesOn: ValueID)
  {
    var product = ScalarGraph()
    let (first, row, second) = (product.axis(0), product.axis(1), product.axis(2))
    product.results = [
      product.times(product.read(0, [first, second, row], type: .f32), product.read(1, [second, row], type: .f32))
    ]
    let slopes = reduce(
      .sum, shape: shape(of: state), reduced: [Dim(count)], operands: [matrix, state], body: product)[0]
    let total = reduceAxes(try elementwise([slopes, state]) { $0.times($1[0], $1[1]) }, [0], keepsAxes: true, .sum)
    let distance = try elementwise([slopes, total]) { $0.unary(.abs, $0.minus($1[0], $1[1])) }
    let error = reduceAxes(distance, [0], keepsAxes: true, .max)
    let isOpen = try elementwise([error]) { graph, values in
      graph.unary(.not, graph.compare(.less, values[0], graph.number(0.005 / Double(count), .f32)))
    }
    return (slopes, total, isOpen, reduceAxes(isOpen, [0, 1], keepsAxes: false, .sum))
  }

  /// One round of updates of all classes; rows that are settled stay as they are.
  private mutating func couplingStep(
    _ states: [ValueID], _ matrix: ValueID, _ count: Int
  ) throws(ModelError) -> [ValueID] {
    let (state, isOpen) = (states[0], states[3])
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let moving = states.prefix(3).map { inner.input(type(of: $0)) }
    let captured = inner.input(type(of: matrix))
    let scan = Scan(
      length: Dim(count), carried: 3, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: inner.classUpdate(step, moving[0], moving[1], moving[2], captured)))
    let moved = add(.scan(scan), states.prefix(3) + [matrix])[0]
    let next = try elementwise([isOpen, moved, state]) { $0.select($1[0], $1[1], $1[2]) }
    let gradient = try couplingGradient(next, matrix, count)
    return [gradient.goesOn, next, gradient.slopes, gradient.total, gradient.isOpen]
  }

  /// Moves one class to where the form is least, and scales all back to a sum of 1.
  private mutating func classUpdate(
    _ step: ValueID, _ state: ValueID, _ slopes: ValueID, _ total: ValueID, _ matrix: ValueID
  ) -> [ValueID] {
    let shape = shape(of: state)
    var change = ScalarGraph()
    let (row, own) = (change.axis(1), change.read(3, [], type: .i64))
    let slope = change.read(0, [own, row], type: .f32)
    let sum = change.read(1, [change.integer(0), row], type: .f32)
    change.results = [change.over(change.minus(sum, slope), change.read(2, [own, own, row], type: .f32))]
    let difference = map([1, shape[1]], change, [slopes, total, matrix, step])
    func update(_ compute: (inout ScalarGraph, ScalarID, ScalarID, ScalarID) -> ScalarID) -> ScalarGraph {
      var body = ScalarGraph()
      let difference = body.read(0, [body.integer(0), body.axis(1)], type: .f32)
      let own = body.read(1, [], type: .i64)
      let scale = body.plus(body.number(1, .f32), difference)
      body.results = [compute(&body, difference, own, scale)]
      return body
    }
    let nextState = update { body, difference, own, scale in
      let isOwn = body.compare(.equal, body.axis(0), own)
      let old = body.read(2, [body.axis(0), body.axis(1)], type: .f32)
      return body.over(body.select(isOwn, body.plus(old, difference), old), scale)
    }
    let nextSlopes = update { body, difference, own, scale in
      let old = body.read(2, [body.axis(0), body.axis(1)], type: .f32)
      let entry = body.read(3, [own, body.axis(0), body.axis(1)], type: .f32)
      return body.over(body.plus(old, body.times(difference, entry)), scale)
    }
    let nextTotal = update { body, difference, own, scale in
      let old = body.read(4, [body.integer(0), body.axis(1)], type: .f32)
      let slope = body.read(2, [own, body.axis(1)], type: .f32)
      let entry = body.read(3, [own, own, body.axis(1)], type: .f32)
      let inner = body.plus(body.times(difference, entry), body.times(body.number(2, .f32), slope))
      return body.over(body.over(body.plus(old, body.times(difference, inner)), scale), scale)
    }
    return [
      map(shape, nextState, [difference, step, state]), map(shape, nextSlopes, [difference, step, slopes, matrix]),
      map([1, shape[1]], nextTotal, [difference, step, slopes, matrix, total]),
    ]
  }
}
