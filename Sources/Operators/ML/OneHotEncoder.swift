import Support
import TensorIR

/// A new last axis with 1 where an integer or string equals a category.
struct OneHotEncoder: ContainerOperator {
  let name = OperatorName("OneHotEncoder", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    if case .strings(let strings) = try node.value(0) {
      guard let categories = try node.byteStrings("cats_strings"), !categories.isEmpty else {
        throw .invalid("the data are strings, but attribute 'cats_strings' is missing")
      }
      let numbers = try b.positions(of: strings, among: categories)
      return [.tensor(try encode(numbers, Array(categories.indices), node, &b))]
    }
    guard let categories = try node.ints("cats_int64s"), !categories.isEmpty else {
      throw .invalid("the data are numbers, but attribute 'cats_int64s' is missing")
    }
    return [.tensor(try encode(try node.input(0), categories, node, &b))]
  }

  private func encode(
    _ x: ValueID, _ categories: [Int], _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    let table = b.constant(.integers(categories))
    guard try node.flag("zeros", default: true) else { return try checked(x, table, &b) }
    var body = ScalarGraph()
    let value = body.cast(body.read(0, (0..<type.rank).map { body.axis($0) }, type: type.element), to: .i64)
    let category = body.read(1, [body.axis(type.rank)], type: .i64)
    body.results = [body.cast(body.compare(.equal, value, category), to: .f32)]
    return b.map(type.shape + [Dim(categories.count)], body, [x, table])
  }

  /// Ones scattered into zeros; an unknown category has an index that fails the call.
  private func checked(_ x: ValueID, _ table: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    let count = b.shape(of: table)[0]
    var search = ScalarGraph()
    let axes = (0..<type.rank).map { search.axis($0) }
    let value = search.cast(search.read(0, axes, type: type.element), to: .i64)
    let isEqual = search.compare(.equal, value, search.read(1, [search.axis(type.rank)], type: .i64))
    search.results = [search.select(isEqual, search.axis(type.rank), search.integer(-1))]
    let position = b.reduce(.max, shape: type.shape, reduced: [count], operands: [x, table], body: search)[0]
    let zeros = try b.broadcast(b.scalar(0, .f32), to: type.shape + [count])
    var target = ScalarGraph()
    let place = (0..<type.rank).map { target.axis($0) }
    target.results = place + [target.read(1, place, type: .i64), target.number(1, .f32)]
    return b.add(.scatter(Scatter(updates: type.shape, combiner: .assign, target: target)), [zeros, position])[0]
  }
}
