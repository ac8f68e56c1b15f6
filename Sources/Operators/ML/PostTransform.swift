import Support
import TensorIR

/// What becomes of scores before they are returned.
enum PostTransform: String, CaseIterable {
  case none = "NONE"
  case softmax = "SOFTMAX"
  case logistic = "LOGISTIC"
  case softmaxZero = "SOFTMAX_ZERO"
  case probit = "PROBIT"
}

extension OperatorNode {
  func postTransform() throws(ModelError) -> PostTransform {
    let name = try string("post_transform", default: "NONE")
    guard let transform = PostTransform(rawValue: name) else { throw .invalid("attribute 'post_transform' is '\(name)'") }
    return transform
  }

  /// The labels of a classifier; if they are strings, their positions.
  func labels(_ name: String) throws(ModelError) -> [Int] {
    if let strings = try strings("classlabels_strings"), !strings.isEmpty { return Array(strings.indices) }
    guard let labels = try ints(name), !labels.isEmpty else { throw .invalid("attribute '\(name)' is missing") }
    return labels
  }
}

/// An operator whose result 0 is one of its labels.
protocol Classifier: ContainerOperator {
  /// The labels, or positions of labels that are strings, and the scores.
  func classify(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID]
}

extension Classifier {
  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    for (position, value) in node.values.enumerated() { _ = try value?.tensor("argument \(position)") }
    var results: [ImportedValue] = try classify(node, in: &b).map { .tensor($0) }
    if let labels = try node.byteStrings("classlabels_strings"), !labels.isEmpty, case .tensor(let positions)? = results.first {
      results[0] = .strings(b.strings(labels, at: positions))
    }
    return results
  }
}

extension GraphBuilder {
  /// Applies a transform to the results `[N, K]` of a regression; a single one stays as it is, as in ONNX Runtime, but
  /// for `probit`.
  mutating func transformedTargets(_ targets: ValueID, _ transform: PostTransform) throws(ModelError) -> ValueID {
    try transformed(targets, shape(of: targets)[1] == 1 && transform != .probit ? .none : transform)
  }

  /// Applies a transform to scores `[N, K]`.
  mutating func transformed(_ scores: ValueID, _ transform: PostTransform) throws(ModelError) -> ValueID {
    switch transform {
    case .none: return scores
    case .logistic: return try elementwise([scores]) { $0.unary(.sigmoid, $1[0]) }
    case .probit: return try elementwise([scores]) { $0.probit($1[0]) }
    case .softmax: return try softmax(scores, [1])
    case .softmaxZero:
      let greatest = reduceAxes(scores, [1], keepsAxes: true, .max)
      let terms = try elementwise([scores, greatest]) { graph, values in
        graph.select(graph.isNearZero(values[0]), graph.number(0, graph.type(of: values[0])),
          graph.unary(.decay, graph.minus(values[0], values[1])))
      }
      let sum = reduceAxes(terms, [1], keepsAxes: true, .sum)
      return try elementwise([scores, greatest, terms, sum]) { graph, values in
        let small = graph.times(values[0], graph.unary(.exp, graph.negate(values[1])))
        return graph.over(graph.select(graph.isNearZero(values[0]), small, values[2]), values[3])
      }
    }
  }

  /// Two columns from one score `[N, 1]`.
  mutating func paired(
    _ score: ValueID, _ columns: (inout ScalarGraph, ScalarID) -> (ScalarID, ScalarID)
  ) -> ValueID {
    var body = ScalarGraph()
    let value = body.read(0, [body.axis(0), body.integer(0)], type: type(of: score).element)
    let (first, second) = columns(&body, value)
    body.results = [body.select(body.compare(.equal, body.axis(1), body.integer(0)), first, second)]
    return map([shape(of: score)[0], 2], body, [score])
  }

  /// The label of the greatest score of each row.
  mutating func labelOfGreatest(_ scores: ValueID, _ labels: [Int]) -> ValueID {
    let position = reduceAxes(scores, [1], keepsAxes: false, .argMaxFirst)
    var body = ScalarGraph()
    body.results = [body.read(1, [body.read(0, [body.axis(0)], type: .i64)], type: .i64)]
    return map(shape(of: position), body, [position, constant(.integers(labels))])
  }

  /// One of two labels for each row, by whether the score `[N, K]` in a column is above a limit.
  mutating func label(_ scores: ValueID, column: Int, above limit: Double, _ positive: Int, _ negative: Int) -> ValueID {
    var body = ScalarGraph()
    let element = type(of: scores).element
    let value = body.read(0, [body.axis(0), body.integer(column)], type: element)
    let isAbove = body.compare(.greater, value, body.number(limit, element))
    body.results = [body.select(isAbove, body.integer(positive), body.integer(negative))]
    return map([shape(of: scores)[0]], body, [scores])
  }

  /// Adds one number per column to scores `[N, K]`.
  mutating func addColumns(_ scores: ValueID, _ values: [Double]) throws(ModelError) -> ValueID {
    if values.allSatisfy({ $0 == 0 }) { return scores }
    let row = constant(ConstantTensor(type(of: scores).element, dims: [values.count], doubles: values))
    return try elementwise([scores, row]) { $0.plus($1[0], $1[1]) }
  }
}

extension ScalarGraph {
  fileprivate mutating func isNearZero(_ x: ScalarID) -> ScalarID {
    compare(.lessOrEqual, unary(.abs, x), number(1e-7, type(of: x)))
  }

  /// The inverse of the normal distribution function, by Winitzki's approximation as ONNX Runtime has it.
  mutating func probit(_ p: ScalarID) -> ScalarID {
    let type = type(of: p)
    let x = plus(times(p, number(2, type)), number(-1, type))
    let log = unary(.log, times(minus(number(1, type), x), plus(number(1, type), x)))
    let half = plus(number(2 / (3.14159265358979 * 0.147), type), times(log, number(0.5, type)))
    let root = unary(.sqrt, minus(times(half, half), times(log, number(1 / 0.147, type))))
    let size = times(unary(.sqrt, minus(root, half)), number(1.41421356, type))
    return select(compare(.less, x, number(0, type)), negate(size), size)
  }
}
