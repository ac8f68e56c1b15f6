import Support
import TensorIR

/// The same elements under another shape; 0 copies a dimension and one -1 is inferred.
struct Reshape: Operator {
  let name = OperatorName("Reshape", versions: 1, 5, 13, 14, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let copiesZeros = try !node.flag("allowzero")
    if node.version >= 5, b.knownIntegers(try node.input(1)) == nil {
      return [try measured(x, try b.integerVector(try node.input(1), "the shape"), copiesZeros, &b)]
    }
    let given = try node.version < 5
      ? (node.ints("shape") ?? []).map { Dim($0) } : b.requireIntegers(try node.input(1), "the shape")
    let shape = try resolved(given, b.shape(of: x), copiesZeros)
    return [b.reshape(x, shape)]
  }

  private func resolved(_ given: [Dim], _ source: [Dim], _ copiesZeros: Bool) throws(ModelError) -> [Dim] {
    var shape = given
    if copiesZeros {
      for axis in shape.indices where shape[axis] == 0 {
        guard axis < source.count else {
          throw .invalid("dimension \(axis) of the shape is 0, but the data has rank \(source.count)")
        }
        shape[axis] = source[axis]
      }
    }
    let unknown = shape.indices.filter { shape[$0] == -1 }
    guard unknown.count <= 1 else { throw .invalid("the shape \(shape) has more than one -1") }
    if let axis = unknown.first {
      shape[axis] = 1
      let rest = shape.product
      guard rest != 0 else { throw .invalid("the shape has a -1 beside a 0") }
      guard source.product.remainder(by: rest).constant ?? 0 == 0 else {
        throw .invalid("\(source.product) elements do not divide into \(rest)")
      }
      shape[axis] = source.product.floorDivided(by: rest)
    }
    guard (source.product - shape.product).constant ?? 0 == 0, shape.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      throw .invalid("shape \(source) does not reshape to \(shape)")
    }
    return shape
  }

  /// The reshape to a shape of which some extents are known at run time only.
  private func measured(_ x: ValueID, _ vector: ValueID, _ copiesZeros: Bool, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let source = b.shape(of: x)
    guard let rank = b.shape(of: vector)[0].constant else { fatalError("a vector of unknown length") }
    let shape = b.computedExtents("shape", [vector]) { graph in
      let given = (0..<rank).map { axis in
        let extent = graph.read(0, [graph.integer(axis)], type: .i64)
        guard copiesZeros, axis < source.count else { return extent }
        return graph.select(graph.compare(.equal, extent, graph.integer(0)), graph.dim(source[axis]), extent)
      }
      let isOpen = given.map { graph.compare(.equal, $0, graph.integer(-1)) }
      let rest = zip(given, isOpen).reduce(graph.integer(1)) { product, axis in
        graph.times(product, graph.select(axis.1, graph.integer(1), axis.0))
      }
      let divisor = graph.binary(.max, rest, graph.integer(1))
      let inferred = graph.binary(.floorDivide, graph.dim(source.product), divisor)
      return zip(given, isOpen).map { graph.select($1, inferred, $0) }
    }
    return b.reshape(x, shape)
  }
}
