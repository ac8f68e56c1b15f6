import Glibc
import Support
import TensorIR

/// A bias per head that depends on the distance of query and key, in buckets that widen with it.
struct RelativePositionBias: Operator {
  let name = OperatorName("RelativePositionBias", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let table = try node.input(0)
    guard b.shape(of: table).count == 2 else {
      throw .invalid("the table has shape \(b.shape(of: table)), not [buckets, heads]")
    }
    let buckets = try b.requireConstant(b.shape(of: table)[0], "the number of buckets")
    guard buckets >= 4 else { throw .invalid("the table has \(buckets) buckets; at least 4 are needed") }
    let heads = b.shape(of: table)[1]
    guard let limit = try node.int("max_distance") else { throw .invalid("attribute 'max_distance' is missing") }
    let queries = try b.scalarExtent(try node.input(1), "the query length", as: "queries")
    let keys = try b.scalarExtent(try node.input(2), "the key length", as: "keys")
    let isBidirectional = try node.flag("is_bidirectional")
    var body = ScalarGraph()
    let distance = body.minus(body.axis(3), body.axis(2))
    let count = isBidirectional ? buckets / 2 : buckets
    let exact = count / 2
    // What comes later is as near as the query itself where only one direction counts.
    let magnitude = isBidirectional
      ? body.unary(.abs, distance) : body.binary(.max, body.negate(distance), body.integer(0))
    let ratio = body.affineNumber(body.cast(magnitude, to: .f32), 1 / Double(exact), 0)
    let scale = Double(count - exact) / log(Double(limit) / Double(exact))
    let positive = body.binary(.max, ratio, body.number(1, .f32))
    let wide = body.cast(body.affineNumber(body.unary(.log, positive), scale, Double(exact)), to: .i64)
    let far = body.binary(.min, wide, body.integer(count - 1))
    var bucket = body.select(body.compare(.less, magnitude, body.integer(exact)), magnitude, far)
    if isBidirectional {
      let isAhead = body.compare(.greater, distance, body.integer(0))
      bucket = body.plus(bucket, body.select(isAhead, body.integer(count), body.integer(0)))
    }
    // In memory the table has one row per head.
    body.results = [body.read(0, [body.axis(1), bucket], type: b.type(of: table).element)]
    return [b.map([1, heads, queries, keys], body, [b.reshape(table, [heads, Dim(buckets)])])]
  }
}

/// A relative position bias scaled per head and query by gates that are computed from the query.
struct GatedRelativePositionBias: Operator {
  let name = OperatorName("GatedRelativePositionBias", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    guard node.optionalInput(6) == nil else {
      throw .unsupported("packed tokens are not supported", hint: "export the model with padding")
    }
    let (query, weight) = (try node.input(0), try node.input(3))
    try b.requireFloat(query)
    let count = try node.count("num_heads")
    guard b.shape(of: query).count == 3, b.shape(of: weight).count == 2 else {
      throw .invalid("the query has shape \(b.shape(of: query)), the weight \(b.shape(of: weight))")
    }
    let width = try b.requireConstant(b.shape(of: query)[2], "the number of columns of the query")
    let columns = try b.requireConstant(b.shape(of: weight)[1], "the number of columns of the weight")
    guard width % count == 0, columns % 2 == 0 else {
      throw .invalid("the query has \(width) columns for \(count) heads, and the weight \(columns)")
    }
    let heads = try Heads(in: query, from: 0, count: count, size: width / count, bias: try node.input(1), &b)
    let product = try b.matrixProduct(heads.headsFirst(&b), weight, accumulator: .f32)
    let sums = try b.elementwise([product, try node.input(4)]) { $0.plus($1[0], $0.cast($1[1], to: .f32)) }
    let outer = b.shape(of: sums).dropLast()
    let halves = b.reduceAxes(b.reshape(sums, outer + [2, Dim(columns / 2)]), [4], keepsAxes: false, .sum) {
      $1
    } finish: {
      graph, sum, _ in
      graph.unary(.sigmoid, sum)
    }
    let own = b.type(of: try node.input(2))
    guard own.rank == 4 else { throw .invalid("the bias has rank \(own.rank), not 4") }
    let scale = b.reshape(try node.input(5), [Dim(count)])
    let shape = try b.broadcast([own.shape, outer + [own.shape[3]]])
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    func gate(_ index: Int) -> ScalarID { body.read(0, axes[..<3] + [body.integer(index)], type: .f32) }
    let factor = body.cast(body.read(1, [axes[1]], type: b.type(of: scale).element), to: .f32)
    let inner = body.affineNumber(body.times(gate(1), factor), 1, -1)
    let share = body.affineNumber(body.times(gate(0), inner), 1, 2)
    let bias = body.cast(body.broadcastRead(2, own, in: shape), to: .f32)
    body.results = [body.cast(body.times(share, bias), to: own.element)]
    return [b.map(shape, body, [halves, scale, try node.input(2)])]
  }
}
