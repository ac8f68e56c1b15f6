import Support
import TensorIR

/// The number of elements of a sequence.
struct SequenceLength: ContainerOperator {
  let name = OperatorName("SequenceLength", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    [.tensor(b.length(try node.sequence(0)))]
  }
}

extension GraphBuilder {
  /// The number of elements as an `i64` scalar.
  mutating func length(_ sequence: ImportedSequence) -> ValueID {
    sequence.length ?? constant(ConstantTensor(.i64, dims: [], integers: [sequence.items.count]))
  }

  /// A position in a sequence, counted from the front: a number, or a vector of one element that only a call knows.
  mutating func position(_ argument: ValueID, in sequence: ImportedSequence, limit: Int) throws(ModelError)
    -> SequencePosition
  {
    if sequence.length == nil, let known = knownIntegers(argument), known.count == 1, let position = known[0].constant {
      let count = sequence.items.count
      guard position >= -count, position < limit else {
        throw .invalid("position \(position) is out of range for a sequence of length \(count)")
      }
      return .known(position < 0 ? position + count : position)
    }
    let vector = try integerVector(argument, "the position")
    guard shape(of: vector) == [1] else { throw .invalid("the position must be one number") }
    let length = reshape(length(sequence), [1])
    var body = ScalarGraph()
    let first = body.integer(0)
    let given = body.read(0, [first], type: .i64)
    let isBehind = body.compare(.less, given, first)
    body.results = [body.select(isBehind, body.plus(given, body.read(1, [first], type: .i64)), given)]
    return .open(map([1], body, [vector, length]))
  }
}

/// Where an element of a sequence is.
enum SequencePosition {
  case known(Int)
  case open(ValueID)
}
