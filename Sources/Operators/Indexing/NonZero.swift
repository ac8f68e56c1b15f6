import Support
import TensorIR

/// The positions of elements that are not zero, where the elements are known at compile time.
struct NonZero: Operator {
  let name = OperatorName("NonZero", versions: 9, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let dims = b.shape(of: x).constants
    guard let dims, let constant = b.constantValue(x) else {
      throw .unsupported(
        "the size of the result depends on data that is computed at run time",
        hint: "move it out of the model")
    }
    let elements = constant.doubles
    let found = elements.indices.filter { elements[$0] != 0 }
    var rows: [Int] = []
    for axis in dims.indices {
      let stride = dims[(axis + 1)...].reduce(1, *)
      rows += found.map { $0 / stride % dims[axis] }
    }
    return [b.constant(ConstantTensor(.i64, dims: [dims.count, found.count], integers: rows))]
  }
}
