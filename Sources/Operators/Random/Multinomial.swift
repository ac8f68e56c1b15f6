import Support
import TensorIR

/// Classes drawn with the probabilities whose logarithms, up to a constant, are the rows of the argument.
struct Multinomial: Operator {
  let name = OperatorName("Multinomial", versions: 7, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    guard b.shape(of: x).count == 2 else { throw .invalid("the argument has rank \(b.shape(of: x).count), not 2") }
    let samples = try node.int("sample_size", default: 1)
    guard samples >= 0 else { throw .invalid("attribute 'sample_size' is \(samples)") }
    let target = try node.elementType("dtype") ?? .i32
    guard target == .i32 || target == .i64 else { throw .invalid("classes are i32 or i64, not \(target.rawValue)") }
    let (rows, classes) = (b.shape(of: x)[0], b.shape(of: x)[1])
    let numbers = try RandomNumbers(node, b)
    let logits = try b.cast(x, to: .f64)
    let greatest = b.reduceAxes(logits, [1], keepsAxes: true, .max)
    let weights = try b.elementwise([logits, greatest]) { $0.unary(.exp, $0.minus($1[0], $1[1])) }
    let sums = try b.running(weights, axis: 1, .add, start: 0, isExclusive: false, isReverse: false)
    let shape = [rows, Dim(samples)]
    var draw = ScalarGraph()
    let total = draw.read(0, [draw.axis(0), draw.dim(classes - 1)], type: .f64)
    // Above 0, so that a class without probability is never drawn.
    let number = numbers.uniform(draw.linearPosition(shape), .f64, excludesZero: true, &draw)
    draw.results = [draw.times(number, total)]
    let levels = b.map(shape, draw, [sums])
    var body = ScalarGraph()
    let sum = body.read(0, [body.axis(0), body.axis(2)], type: .f64)
    let level = body.read(1, [body.axis(0), body.axis(1)], type: .f64)
    body.results = [body.cast(body.compare(.less, sum, level), to: .i64)]
    return b.reduce(.sum, shape: shape, reduced: [classes], operands: [sums, levels], body: body) { graph, counts in
      [graph.cast(counts[0], to: target)]
    }
  }
}
