import Support

/// Builds a graph node by node, deriving types, sharing equal nodes and computing what is known at compile time.
public struct GraphBuilder: Sendable {
  struct Key: Hashable, Sendable {
    var primitive: Primitive
    var operands: [ValueID]
  }

  public private(set) var graph = Graph()
  /// The ONNX node being imported, for the origin of new nodes.
  public var origin = ""
  private var shared: [Key: [ValueID]] = [:]
  private var constants: [ValueID: ConstantTensor] = [:]
  private var symbolic: [ValueID: [Dim?]] = [:]
  /// Vectors whose elements have symbols of their own.
  private var named: Set<ValueID> = []
  /// What the names of measured symbols start with, so that those of body graphs are their own.
  private let symbolPrefix: String
  /// Constants with more elements are folded by a pass, not while building.
  private let foldLimit = 1 << 16
  /// The same for numbers that are computed from bytes: passes want to see quantized weights.
  private let byteFoldLimit = 1 << 6

  public init() { symbolPrefix = "" }

  /// A builder for a body graph of a node of `outer`.
  public init(inside outer: GraphBuilder, as name: String = "") {
    symbolPrefix = "\(outer.symbolPrefix)\(outer.graph.values.count)\(name)/"
    origin = outer.origin
  }

  public func type(of value: ValueID) -> TensorType { graph.type(of: value) }
  public func shape(of value: ValueID) -> [Dim] { graph.shape(of: value) }

  /// Adds an input.
  public mutating func input(_ type: TensorType, name: String = "") -> ValueID {
    let value = newValue(type, name: name)
    graph.inputs.append(value)
    return value
  }

  /// Sets the outputs.
  public mutating func finish(outputs: [ValueID]) -> Graph {
    graph.outputs = outputs
    return graph
  }

  /// Names a value after its ONNX name, unless it has a name.
  public mutating func name(_ value: ValueID, _ name: String) {
    if graph.values[value.index].name.isEmpty { graph.values[value.index].name = name }
  }

  private mutating func newValue(_ type: TensorType, name: String = "") -> ValueID {
    graph.values.append(Value(type: type, name: name))
    return ValueID(graph.values.count - 1)
  }

  /// Adds a node and returns its results; an equal node is reused, and small constant results are computed.
  public mutating func add(_ primitive: Primitive, _ operands: [ValueID]) -> [ValueID] {
    let operandTypes = operands.map { graph.type(of: $0) }
    let isSound = problem(primitive, operandTypes) == nil
    if isSound, let folded = fold(primitive, operands) { return folded }
    let key = Key(primitive: primitive, operands: operands)
    if let existing = shared[key] { return existing }
    let types = primitive.resultTypes(operandTypes)
    let results = types.map { newValue($0) }
    graph.nodes.append(Node(primitive, operands: operands, results: results, origin: origin))
    shared[key] = results
    if case .constant(let constant) = primitive { constants[results[0]] = constant }
    let known = operands.map { self.partlyKnownIntegers($0) }
    if isSound, types.allSatisfy(\.hasValidSize), let known = SymbolicEvaluator.evaluate(primitive, known, operands.map { graph.type(of: $0) }, types) {
      symbolic[results[0]] = known
    }
    return results
  }

  private mutating func fold(_ primitive: Primitive, _ operands: [ValueID]) -> [ValueID]? {
    switch primitive {
    case .constant, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
    case .map, .reduce, .contract, .reshape: break
    }
    guard primitive.resultTypes(operands.map { graph.type(of: $0) }).allSatisfy(\.hasValidSize) else { return nil }
    var inputs: [ConstantTensor] = []
    for operand in operands {
      guard let constant = constants[operand] else { return nil }
      inputs.append(constant)
    }
    let elements = primitive.resultTypes(inputs.map(\.type)).map(\.element)
    let widensBytes = inputs.contains { $0.type.element == .i8 || $0.type.element == .u8 }
      && (elements == [.f32] || elements == [.i32])
    let limit = widensBytes ? byteFoldLimit : foldLimit
    guard let results = Evaluator.evaluate(primitive, inputs, workLimit: limit) else { return nil }
    return results.map { constant($0) }
  }

  /// A constant node.
  public mutating func constant(_ tensor: ConstantTensor) -> ValueID { add(.constant(tensor), [])[0] }

  /// The compile-time constant behind a value.
  public func constantValue(_ value: ValueID) -> ConstantTensor? { constants[value] }

  /// The elements of a small integer tensor as symbolic expressions, in row-major order, where they are known.
  public func knownIntegers(_ value: ValueID) -> [Dim]? {
    guard let elements = partlyKnownIntegers(value) else { return nil }
    let known = elements.compactMap { $0 }
    return known.count == elements.count ? known : nil
  }

  /// Like `knownIntegers`, with nil for elements that only run time knows; nil if there are no others.
  public func partlyKnownIntegers(_ value: ValueID) -> [Dim?]? {
    if let known = symbolic[value] { return known }
    // An empty tensor holds nothing that only run time could know.
    if shape(of: value).contains(0) { return [] }
    guard let constant = constants[value], constant.count <= SymbolicEvaluator.limit,
      constant.type.element.isInteger || constant.type.element == .bool
    else { return nil }
    return constant.integers.map { Dim($0) }
  }

  /// The elements of an `i64` vector of constant length as extents; those that are not known become symbols with names like `name`.
  ///
  /// A call in which a measured element is negative fails.
  public mutating func measured(_ vector: ValueID, as name: String) -> [Dim] {
    if let known = knownIntegers(vector) { return known }
    guard type(of: vector).element == .i64, let length = shape(of: vector).constants, length.count == 1 else {
      fatalError("\(type(of: vector)) is measured")
    }
    let symbols = (0..<length[0]).map { newSymbol(length[0] > 1 ? "\(name).\($0)." : name) }
    graph.nodes.append(Node(.measure(symbols), operands: [vector], results: [], origin: origin))
    let before = partlyKnownIntegers(vector) ?? [Dim?](repeating: nil, count: length[0])
    let extents = zip(before, symbols).map { $0 ?? Dim(symbol: $1) }
    symbolic[vector] = extents
    return extents
  }

  /// Where parts of the given extents end if one follows the other, as symbols of their own: sums of many extents would take long to
  /// state wherever they occur.
  public mutating func namedEnds(of extents: [Dim]) -> [Dim] {
    var body = ScalarGraph()
    var end = body.integer(0)
    var value = end
    for (position, extent) in extents.enumerated() {
      end = body.binary(.add, end, body.dim(extent))
      value = body.select(body.compare(.equal, body.axis(0), body.integer(position)), end, value)
    }
    body.results = [value]
    let vector = map([Dim(extents.count)], body, [])
    if let known = symbolic[vector]?.compactMap({ $0 }), known.count == extents.count, named.contains(vector) { return known }
    let symbols = extents.indices.map { newSymbol("end.\($0).") }
    graph.nodes.append(Node(.measure(symbols), operands: [vector], results: [], origin: origin))
    let ends = symbols.map { Dim(symbol: $0) }
    named.insert(vector)
    symbolic[vector] = ends
    let starts = [0] + ends.dropLast()
    assume(extents.indices.dropLast().map { DimFact(ends[$0], .equal, starts[$0] + extents[$0]) })
    // The whole is what memory is planned for.
    if let whole = ends.last { assume([DimFact(whole, .equal, extents.reduce(0, +))], isRequired: true) }
    return ends
  }

  /// A name for a symbol that the next node defines.
  public func newSymbol(_ name: String) -> String { "\(symbolPrefix)\(name)\(graph.nodes.count)\(Dim.measuredMark)" }

  /// Records facts about extents, which a call checks.
  ///
  /// Facts about measured extents that nothing depends on are dropped unless they are required.
  public mutating func assume(_ facts: [DimFact], isRequired: Bool = false, status: Status = .badDimension) {
    let open = facts.filter { !$0.isEvident }
    if !open.isEmpty { _ = add(.assume(Assumption(open, isRequired: isRequired, status: status)), []) }
  }

  /// Makes sure that two extents are equal, at run time where they are symbolic.
  ///
  /// - Throws: `ModelError.invalid` if they never are.
  public mutating func requireEqual(_ a: Dim, _ b: Dim, _ what: @autoclosure () -> String) throws(ModelError) {
    guard let difference = (a - b).constant else { return assume([DimFact(a, .equal, b)]) }
    guard difference == 0 else { throw .invalid("\(what()): \(a) and \(b) differ") }
  }

  /// Makes sure that an extent is no larger than another, at run time where they are symbolic.
  ///
  /// - Throws: `ModelError.invalid` if it always is.
  public mutating func requireAtMost(_ a: Dim, _ b: Dim, _ what: @autoclosure () -> String) throws(ModelError) {
    guard let difference = (b - a).constant else { return assume([DimFact(a, .atMost, b)]) }
    guard difference >= 0 else { throw .invalid("\(what()): \(a) is more than \(b)") }
  }

  /// A 1-D `i64` value with the given symbolic elements.
  public mutating func integers(_ elements: [Dim]) -> ValueID {
    if let known = elements.constants { return constant(.integers(known)) }
    var body = ScalarGraph()
    let position = body.axis(0)
    var result = body.dim(elements[elements.count - 1])
    for (index, element) in elements.enumerated().dropLast().reversed() {
      let here = body.integer(index)
      let value = body.dim(element)
      let condition = body.compare(.equal, position, here)
      result = body.select(condition, value, result)
    }
    body.results = [result]
    return map([Dim(elements.count)], body, [])
  }
}

extension GraphBuilder {
  /// Adds a map; unused operands are dropped and the body is brought to canonical form.
  public mutating func map(_ shape: [Dim], _ body: ScalarGraph, _ operands: [ValueID]) -> ValueID {
    let (used, renumbered) = GraphBuilder.compact(body, operands)
    return add(.map(Map(shape: shape, body: renumbered)), used)[0]
  }

  /// Drops operands that the graph does not read and merges equal ones.
  public static func compact(_ body: ScalarGraph, _ operands: [ValueID], from first: Int = 0) -> ([ValueID], ScalarGraph) {
    var used = Array(operands.prefix(first))
    var numbering = Array(0..<operands.count)
    var isRead = [Bool](repeating: false, count: operands.count)
    for id in body.reachable { if case .read(let operand, _, _) = body[id] { isRead[operand] = true } }
    for position in operands.indices.dropFirst(first) where isRead[position] {
      if let earlier = used.dropFirst(first).firstIndex(of: operands[position]) {
        numbering[position] = earlier
      } else {
        numbering[position] = used.count
        used.append(operands[position])
      }
    }
    var copy = ScalarGraph()
    copy.results = copy.insert(body, operands: numbering)
    return (used, copy)
  }

  /// A reduction over the given axes of the body's iteration space.
  public mutating func reduce(
    _ combiner: Combiner, shape: [Dim], reduced: [Dim], operands: [ValueID], body: ScalarGraph,
    epilogue: (inout ScalarGraph, [ScalarID]) -> [ScalarID] = { _, accumulators in accumulators }
  ) -> [ValueID] {
    let (used, renumbered) = GraphBuilder.compact(body, operands)
    var finish = ScalarGraph()
    var accumulators = [finish.accumulator(0, body.type(of: body.results[0]))]
    if combiner.hasPosition { accumulators.append(finish.accumulator(1, .i64)) }
    finish.results = epilogue(&finish, accumulators)
    return add(
      .reduce(Reduce(shape: shape, reduced: reduced, combiner: combiner, body: renumbered, epilogue: finish)), used)
  }

  /// The elements of `value` under another shape of the same size, which a call checks where extents are symbolic.
  public mutating func reshape(_ value: ValueID, _ shape: [Dim]) -> ValueID {
    if self.shape(of: value) == shape { return value }
    let (count, own) = (shape.product, self.shape(of: value).product)
    if (count - own).constant == nil { assume([DimFact(count, .equal, own)]) }
    if case .reshape? = producer(of: value)?.primitive, let source = producer(of: value)?.operands[0] {
      return reshape(source, shape)
    }
    return add(.reshape(shape), [value])[0]
  }

  private func producer(of value: ValueID) -> Node? {
    // Builders only look a short way back: reshapes follow their operand closely.
    graph.nodes.suffix(4).last { $0.results.contains(value) }
  }

  /// Element-wise computation with ONNX's multidirectional broadcasting.
  ///
  /// - Throws: `ModelError.invalid` if the shapes do not broadcast.
  public mutating func elementwise(
    _ operands: [ValueID], _ compute: (inout ScalarGraph, [ScalarID]) -> ScalarID
  ) throws(ModelError) -> ValueID {
    let shape = try broadcast(operands.map { self.shape(of: $0) })
    var body = ScalarGraph()
    let arguments = operands.enumerated().map { position, operand in
      literal(operand, in: &body) ?? body.broadcastRead(position, type(of: operand), in: shape)
    }
    body.results = [compute(&body, arguments)]
    return map(shape, body, operands)
  }

  /// The single element of a constant as a literal, where it can be one.
  public func literal(_ value: ValueID, in body: inout ScalarGraph) -> ScalarID? {
    guard let constant = constants[value], constant.count == 1, Evaluator.isEvaluated(constant.type.element) else { return nil }
    let element = constant.type.element
    return element.isFloat ? body.number(constant.doubles[0], element) : body.integer(constant.integers[0], element)
  }

  /// The elements converted to another type as `ScalarGraph.cast` does.
  public mutating func cast(_ value: ValueID, to element: ElementType) throws(ModelError) -> ValueID {
    if type(of: value).element == element { return value }
    return try elementwise([value]) { $0.cast($1[0], to: element) }
  }

  /// The value with its axes in another order: axis k of the result is axis `order[k]` of the operand.
  public mutating func transpose(_ value: ValueID, _ order: [Int]) -> ValueID {
    if order == Array(0..<order.count) { return value }
    let source = type(of: value)
    var body = ScalarGraph()
    var indices = [ScalarID](repeating: body.integer(0), count: order.count)
    for (axis, origin) in order.enumerated() { indices[origin] = body.axis(axis) }
    body.results = [body.read(0, indices, type: source.element)]
    return map(order.map { source.shape[$0] }, body, [value])
  }

  /// A scalar constant.
  public mutating func scalar(_ value: Double, _ element: ElementType) -> ValueID {
    constant(.scalar(value, element))
  }
}

extension GraphBuilder {
  /// The shape that ONNX broadcasting gives. Extents of which one is symbolic must be equal at run time.
  ///
  /// - Throws: `ModelError.invalid` naming the axis at which two shapes disagree.
  public mutating func broadcast(_ shapes: [[Dim]]) throws(ModelError) -> [Dim] {
    let rank = shapes.map(\.count).max() ?? 0
    var result = [Dim](repeating: 1, count: rank)
    for shape in shapes {
      for (axis, dim) in shape.enumerated() {
        let position = rank - shape.count + axis
        let present = result[position]
        if present == 1 || present == dim { result[position] = dim; continue }
        if dim == 1 { continue }
        guard (present - dim).constant == nil else {
          throw .invalid(
            "shapes \(shapes.map { "\($0)" }.joined(separator: " and ")) do not broadcast at dimension \(position)")
        }
        result[position] = unified(present, dim)
      }
    }
    return result
  }

  /// The extent that two extents, of which one is symbolic, broadcast to.
  ///
  /// The model's own dimensions must be equal. Measured ones may also be 1, as reduced axes are.
  private mutating func unified(_ a: Dim, _ b: Dim) -> Dim {
    guard a.isMeasured || b.isMeasured else {
      assume([DimFact(a, .equal, b)])
      return a.constant == nil ? b : a
    }
    var body = ScalarGraph()
    let (x, y, one) = (body.dim(a), body.dim(b), body.integer(1))
    let fits = body.binary(.or, body.compare(.equal, y, one), body.compare(.equal, x, y))
    body.results = [
      body.select(body.compare(.equal, x, one), y, body.select(fits, x, body.integer(-1)))
    ]
    let extent = measured(map([1], body, []), as: "broadcast")[0]
    let known = a.constant ?? b.constant
    assume([DimFact(extent, .atMost, .maximum(a, b))] + (known.map { [DimFact(extent, .equal, Dim($0))] } ?? []), isRequired: known != nil)
    return known.map { Dim($0) } ?? extent
  }
}

extension ScalarGraph {
  /// Reads an operand at the axes of a broadcast shape: axes of extent 1 are read at 0.
  public mutating func broadcastRead(_ operand: Int, _ type: TensorType, in shape: [Dim]) -> ScalarID {
    let lead = shape.count - type.rank
    let indices = type.shape.enumerated().map { axis, dim in
      let extent = shape[lead + axis]
      if dim == 1 && extent != 1 { return integer(0) }
      let position = self.axis(lead + axis)
      // A measured extent that differs may be 1.
      return dim == extent || dim.constant != nil || !(dim.isMeasured || extent.isMeasured)
        ? position : binary(.min, position, self.dim(dim - 1))
    }
    return read(operand, indices, type: type.element)
  }
}
