import Support
import TensorIR

/// How a support vector machine compares rows with its vectors.
struct SVMKernel {
  enum Kind: String {
    case linear = "LINEAR"
    case polynomial = "POLY"
    case radial = "RBF"
    case sigmoid = "SIGMOID"
  }

  var kind: Kind
  var gamma = 0.0
  var offset = 0.0
  var degree = 0.0

  /// Reads `kernel_type` and `kernel_params`.
  init(_ node: OperatorNode) throws(ModelError) {
    let name = try node.string("kernel_type", default: "LINEAR")
    guard let kind = Kind(rawValue: name.uppercased()) else { throw .invalid("attribute 'kernel_type' is '\(name)'") }
    self.kind = kind
    guard let parameters = try node.floats("kernel_params"), !parameters.isEmpty else { return }
    guard parameters.count == 3 else {
      throw .invalid("attribute 'kernel_params' has \(parameters.count) elements, not 3")
    }
    (gamma, offset, degree) = (parameters[0], parameters[1], parameters[2])
  }
}

extension GraphBuilder {
  /// Data as rows `[N, F]` of `f32`; a vector is one row.
  mutating func featureRows(_ given: ValueID) throws(ModelError) -> ValueID {
    let x = try cast(given, to: .f32)
    let shape = shape(of: x)
    guard shape.count == 1 || shape.count == 2 else { throw .invalid("the data has rank \(shape.count), not 1 or 2") }
    return shape.count == 2 ? x : reshape(x, [1] + shape)
  }

  /// The kernel of every row with every vector: `[N, V]`.
  mutating func kernel(_ kernel: SVMKernel, _ x: ValueID, _ vectors: ConstantTensor) throws(ModelError) -> ValueID {
    let table = constant(vectors)
    switch kernel.kind {
    case .linear: return try matrixProduct(x, transpose(table, [1, 0]), accumulator: .f32)
    case .polynomial:
      return try matrixProduct(x, transpose(table, [1, 0]), accumulator: .f32) { graph, sum in
        graph.binary(.power, graph.affineNumber(sum, kernel.gamma, kernel.offset), graph.number(kernel.degree, .f32))
      }
    case .sigmoid:
      return try matrixProduct(x, transpose(table, [1, 0]), accumulator: .f32) { graph, sum in
        graph.unary(.tanh, graph.affineNumber(sum, kernel.gamma, kernel.offset))
      }
    case .radial:
      // Products would lose digits where rows and vectors are close. Sums run side by side for all vectors.
      var body = ScalarGraph()
      let outside = self.shape(of: x)[1].constant == nil ? body.number(0, .f32) : nil
      let value = body.read(0, [body.axis(0), body.axis(2)], outside: outside, type: .f32)
      let difference = body.minus(value, body.read(1, [body.axis(2), body.axis(1)], type: .f32))
      body.results = [body.times(difference, difference)]
      let shape = [shape(of: x)[0], Dim(vectors.dims[0])]
      let columns = Dim(vectors.dims[1])
      let operands = [x, transpose(table, [1, 0])]
      return reduce(.sum, shape: shape, reduced: [columns], operands: operands, body: body) { graph, sums in
        [graph.unary(.exp, graph.times(sums[0], graph.number(-kernel.gamma, .f32)))]
      }[0]
    }
  }

  /// The numbers of a list as rows, as many as a count asks for, with the columns of the data.
  mutating func featureTable(
    _ values: [Double]?, rows: Int, _ x: ValueID, _ name: String
  ) throws(ModelError) -> ConstantTensor {
    guard let values, !values.isEmpty else { throw .invalid("attribute '\(name)' is missing") }
    guard rows > 0, values.count % rows == 0 else {
      throw .invalid("attribute '\(name)' has \(values.count) elements, which are not \(rows) equal rows")
    }
    let columns = values.count / rows
    try requireEqual(shape(of: x)[1], Dim(columns), "the columns of the data and those of attribute '\(name)'")
    return ConstantTensor(.f32, dims: [rows, columns], doubles: values)
  }
}
