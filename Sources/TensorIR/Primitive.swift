import Support

/// Every output element is a scalar expression of inputs read at index expressions.
public struct Map: Hashable, Sendable {
  public var shape: [Dim]
  /// One result; its axes are those of `shape`.
  public var body: ScalarGraph

  public init(shape: [Dim], body: ScalarGraph) {
    self.shape = shape
    self.body = body
  }
}

/// How the values of a reduction combine.
public enum Combiner: String, Hashable, Sendable, CaseIterable {
  case sum, product
  /// The least or greatest value; NaN if there is one.
  case min, max
  /// The extreme value and the `i64` position (counted over the reduced axes in row-major order) of its first or last occurrence.
  case argMinFirst, argMinLast, argMaxFirst, argMaxLast

  /// Whether the accumulators are a value and its position.
  public var hasPosition: Bool {
    switch self {
    case .sum, .product, .min, .max: false
    case .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: true
    }
  }
}

/// A map with reduced axes: for every output position the body is combined over all positions of the reduced axes.
public struct Reduce: Hashable, Sendable {
  public var shape: [Dim]
  /// Extents of the reduced axes, numbered after those of `shape`.
  public var reduced: [Dim]
  public var combiner: Combiner
  /// One result: the value to combine.
  public var body: ScalarGraph
  /// Computes the outputs from accumulator 0 (and 1, the position, where the combiner has one); its axes are those of `shape`.
  public var epilogue: ScalarGraph

  public init(shape: [Dim], reduced: [Dim], combiner: Combiner, body: ScalarGraph, epilogue: ScalarGraph) {
    self.shape = shape
    self.reduced = reduced
    self.combiner = combiner
    self.body = body
    self.epilogue = epilogue
  }
}

/// A sum of products over affine index maps: matrix products and convolutions of any kind.
///
/// Operands 0 and 1 are the factors; reads outside their bounds are 0.
public struct Contract: Hashable, Sendable {
  public var shape: [Dim]
  /// Extents of the summed axes, numbered after those of `shape`.
  public var reduced: [Dim]
  /// One index per axis of the factor.
  public var lhs: [AffineIndex]
  public var rhs: [AffineIndex]
  /// Both factors are converted to this type, in which products are summed.
  public var accumulator: ElementType
  /// One result, from accumulator 0, the sum; reads operands from 2 on.
  public var epilogue: ScalarGraph

  public init(
    shape: [Dim], reduced: [Dim], lhs: [AffineIndex], rhs: [AffineIndex], accumulator: ElementType,
    epilogue: ScalarGraph
  ) {
    self.shape = shape
    self.reduced = reduced
    self.lhs = lhs
    self.rhs = rhs
    self.accumulator = accumulator
    self.epilogue = epilogue
  }
}

extension Contract {
  /// The type in which terms are summed: sums of half floats are kept in `f32` and rounded once.
  public var sumType: ElementType { accumulator == .f16 || accumulator == .bf16 ? .f32 : accumulator }

  /// How many products an instruction may add to one sum: 2 of `bf16` factors, 4 of `u8` data and `i8` weights. Nil unless the last axis
  /// of both factors is one that is summed, in whole groups.
  public func groupSize(_ types: [ElementType]) -> Int? {
    let group: Int
    switch (accumulator, types[0], types[1]) {
    case (.f32, .bf16, .bf16): group = 2
    case (.i32, .u8, .i8): group = 4
    default: return nil
    }
    guard let last = lhs.last, last == rhs.last, last.offset == 0, last.coefficients.count == 1,
      let axis = last.coefficients.first, axis.value == 1, axis.key >= shape.count,
      let extent = reduced[axis.key - shape.count].constant, extent % group == 0
    else { return nil }
    return group
  }

  /// The same computation as a general reduction, given the operands' types.
  public func asReduce(_ types: [TensorType]) -> Reduce {
    var body = ScalarGraph()
    func factor(_ operand: Int, _ indices: [AffineIndex]) -> ScalarID {
      let positions = indices.map { body.affineIndex($0) }
      let zero = body.number(0, types[operand].element)
      let value = body.read(operand, positions, outside: zero, type: types[operand].element)
      return body.cast(value, to: sumType)
    }
    let a = factor(0, lhs)
    body.results = [body.times(a, factor(1, rhs))]
    return Reduce(shape: shape, reduced: reduced, combiner: .sum, body: body, epilogue: epilogue.withAccumulator(sumType))
  }
}

/// A sequential recurrence with a body graph.
///
/// A scan that `stopsEarly` ends before the first step that finds its state 0, a `bool` scalar, false; later slices of stacked results
/// are then undefined.
///
/// Operands: `carried` initial states, the scanned inputs (their axis 0 is the time axis), then values captured by the body.
/// Body inputs: the step number (`i64` scalar), the states, one slice of each scanned input, the captured values. Body outputs:
/// the next states, then one slice of each stacked result. Results: the last states, then the stacked results.
public struct Scan: Hashable, Sendable {
  public var length: Dim
  public var carried: Int
  public var scanned: Int
  /// Whether step t reads slice `length - 1 - t` of the scanned input.
  public var reversedInputs: [Bool]
  /// Whether step t writes slice `length - 1 - t` of the stacked result.
  public var reversedOutputs: [Bool]
  public var stopsEarly: Bool
  public var body: Graph

  public init(
    length: Dim, carried: Int, scanned: Int, reversedInputs: [Bool], reversedOutputs: [Bool], stopsEarly: Bool = false,
    body: Graph
  ) {
    self.length = length
    self.carried = carried
    self.scanned = scanned
    self.reversedInputs = reversedInputs
    self.reversedOutputs = reversedOutputs
    self.stopsEarly = stopsEarly
    self.body = body
  }
}

/// One of two graphs, chosen by operand 0, a `bool` scalar.
///
/// Both graphs take the operands from 1 on and give as many results of the same element types and ranks.
public struct Branch: Hashable, Sendable {
  public var then: Graph
  public var otherwise: Graph
  /// The shapes of the results.
  public var shapes: [[Dim]]
  /// Extents of results that depend on the choice.
  public var extents: [BranchExtent]

  public init(then: Graph, otherwise: Graph, shapes: [[Dim]], extents: [BranchExtent]) {
    self.then = then
    self.otherwise = otherwise
    self.shapes = shapes
    self.extents = extents
  }
}

/// A symbol that stands for one extent or another.
public struct BranchExtent: Hashable, Sendable {
  public var symbol: String
  public var then: Dim
  public var otherwise: Dim

  public init(symbol: String, then: Dim, otherwise: Dim) {
    self.symbol = symbol
    self.then = then
    self.otherwise = otherwise
  }
}

/// How an update combines with the element that it meets.
public enum ScatterCombiner: String, Hashable, Sendable, CaseIterable {
  case assign, add, multiply, min, max
}

/// Indexed writes in row-major order of the updates.
///
/// Operand 0 is copied to the result first. `target` computes one `i64` index per axis of the result, then the value, from the
/// remaining operands (numbered from 1) at every position of `updates`. An index out of range fails the call.
public struct Scatter: Hashable, Sendable {
  public var updates: [Dim]
  public var combiner: ScatterCombiner
  public var target: ScalarGraph

  public init(updates: [Dim], combiner: ScatterCombiner, target: ScalarGraph) {
    self.updates = updates
    self.combiner = combiner
    self.target = target
  }
}

/// A stable sort of operand 0 along one axis; results are the first `limit` values and their `i64` positions.
public struct Sort: Hashable, Sendable {
  public var axis: Int
  public var descending: Bool
  public var limit: Dim

  public init(axis: Int, descending: Bool, limit: Dim) {
    self.axis = axis
    self.descending = descending
    self.limit = limit
  }
}

/// The positions at which a condition holds, in row-major order.
///
/// Results: the `i64` row-major positions, of which those from the count on are undefined, and their count as an `i64` vector of one element.
public struct Compact: Hashable, Sendable {
  public var shape: [Dim]
  /// One `bool` result; its axes are those of `shape`.
  public var condition: ScalarGraph

  public init(shape: [Dim], condition: ScalarGraph) {
    self.shape = shape
    self.condition = condition
  }
}

/// What a parameter of an external function gets.
public enum ExternalArgument: Hashable, Sendable {
  /// The elements of an operand in row-major order.
  case operand(Int)
  /// Room for the elements of a result in row-major order.
  case result(Int)
  /// A null pointer, for an input that the model leaves out.
  case absent
  case integer(Int)
  case float(Float)
}

/// A call of a function outside of the model, which has no effect but on its results.
public struct External: Hashable, Sendable {
  public var function: ExternalFunction
  /// One for each parameter.
  public var arguments: [ExternalArgument]
  /// The types of the results.
  public var results: [TensorType]

  public init(function: ExternalFunction, arguments: [ExternalArgument], results: [TensorType]) {
    self.function = function
    self.arguments = arguments
    self.results = results
  }
}

/// What holds of dimensions that become known at run time; a call for which it does not hold fails.
public struct DimFact: Hashable, Sendable {
  public enum Relation: String, Hashable, Sendable, CaseIterable {
    case equal, atMost
  }

  public var left: Dim
  public var relation: Relation
  public var right: Dim

  public init(_ left: Dim, _ relation: Relation, _ right: Dim) {
    self.left = left
    self.relation = relation
    self.right = right
  }

  /// Whether it holds whatever the symbols are.
  public var isEvident: Bool {
    switch relation {
    case .equal: left == right
    case .atMost: left.isAtMost(right)
    }
  }
}

/// Facts that a call checks.
public struct Assumption: Hashable, Sendable {
  public var facts: [DimFact]
  /// Whether they are checked even if nothing depends on what they speak of.
  public var isRequired: Bool
  /// What a call returns for which they do not hold.
  public var status: Status

  public init(_ facts: [DimFact], isRequired: Bool = false, status: Status = .badDimension) {
    self.facts = facts
    self.isRequired = isRequired
    self.status = status
  }
}

/// The closed set of computations of Tensor IR.
public indirect enum Primitive: Hashable, Sendable {
  case constant(ConstantTensor)
  case map(Map)
  case reduce(Reduce)
  case contract(Contract)
  /// The operand's elements in row-major order under another shape.
  case reshape([Dim])
  case scan(Scan)
  case branch(Branch)
  case scatter(Scatter)
  case sort(Sort)
  case compact(Compact)
  case external(External)
  /// Names the elements of operand 0, an `i64` vector, so that extents can use them; a call with a negative one fails.
  case measure([String])
  /// Fails the call unless all facts hold, and lets the memory plan rely on them.
  case assume(Assumption)
}

extension Primitive {
  /// The primitive's name in the text form.
  public var mnemonic: String {
    switch self {
    case .constant: "constant"
    case .map: "map"
    case .reduce: "reduce"
    case .contract: "contract"
    case .reshape: "reshape"
    case .scan: "scan"
    case .branch: "branch"
    case .scatter: "scatter"
    case .sort: "sort"
    case .compact: "compact"
    case .external: "external"
    case .measure: "measure"
    case .assume: "assume"
    }
  }

  /// The types of the results, given those of the operands.
  public func resultTypes(_ operands: [TensorType]) -> [TensorType] {
    switch self {
    case .constant(let constant): return [constant.type]
    case .map(let map): return [TensorType(map.body.type(of: map.body.results[0]), map.shape)]
    case .reduce(let reduce):
      return reduce.epilogue.results.map { TensorType(reduce.epilogue.type(of: $0), reduce.shape) }
    case .contract(let contract):
      return [TensorType(contract.epilogue.type(of: contract.epilogue.results[0]), contract.shape)]
    case .reshape(let shape): return [TensorType(operands[0].element, shape)]
    case .scan(let scan):
      let body = scan.body.outputs.map { scan.body.type(of: $0) }
      let states = Array(body.prefix(scan.carried))
      return states + body.dropFirst(scan.carried).map { TensorType($0.element, [scan.length] + $0.shape) }
    case .branch(let branch):
      return zip(branch.then.outputs, branch.shapes).map { TensorType(branch.then.type(of: $0).element, $1) }
    case .scatter: return [operands[0]]
    case .sort(let sort):
      var shape = operands[0].shape
      shape[sort.axis] = sort.limit
      return [TensorType(operands[0].element, shape), TensorType(.i64, shape)]
    case .compact(let compact): return [TensorType(.i64, [compact.shape.product]), TensorType(.i64, [1])]
    case .external(let external): return external.results
    case .measure, .assume: return []
    }
  }
}
