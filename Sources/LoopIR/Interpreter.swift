import Support

/// An access that a program must not make, or an operation outside of what it is defined for.
public struct InterpretationError: Error, CustomStringConvertible {
  public var description: String
}

/// What a run of a program gives.
public struct InterpretedResult: Hashable, Sendable {
  /// 0 for success.
  public var status: Int
  /// Bytes of each output; none after a failure.
  public var outputs: [[UInt8]]
}

extension Program {
  /// Runs the program on the bytes of its inputs, slowly and with checks: every access lies within its memory, and
  /// memory is written before it is read. Arena, outputs and local arrays start out unwritten, and success leaves
  /// outputs written.
  ///
  /// Buffers of the arena are only known to lie in it. With `inPlace`, outputs are the inputs that they may be.
  public func interpret(
    inputs: [[UInt8]], symbols values: [Int] = [], inPlace: Bool = false
  ) throws(InterpretationError) -> InterpretedResult {
    var sizes = Interpreter(kernels: [], symbols: Dictionary(uniqueKeysWithValues: zip(self.symbols, values)))
    for symbol in derived { sizes.symbols[symbol.name] = try sizes.index(symbol.value) }
    let sources = inputs.map { Memory($0) }
    let constants = self.constants.map { constant in Memory(constant.bytes.withUnsafeBytes { Array($0) }) }
    var results: [Memory] = []
    for port in outputs {
      if inPlace, let input = port.updates {
        results.append(sources[input])
        continue
      }
      switch port.memory {
      case .exact: results.append(Memory(unwritten: try sizes.bytes(port)))
      case .upTo(let count): results.append(Memory(unwritten: try sizes.index(count) * port.element.bytes))
      case .acquired: results.append(Memory(unwritten: 0))
      }
    }
    let arena = Memory(unwritten: try sizes.index(arenaBytes))
    var interpreter = Interpreter(kernels: kernels, symbols: sizes.symbols)
    for (id, storage) in storage.enumerated() {
      interpreter.places[id] =
        switch storage {
        case .input(let index): Place(memory: sources[index])
        case .output(let index): Place(memory: results[index])
        case .constant(let index): Place(memory: constants[index])
        case .arena(let offset): Place(memory: arena, offset: try sizes.index(offset))
        case .acquired: Place(memory: Memory(unwritten: 0))
        }
    }
    let status = try interpreter.run(entry)
    guard status == 0 else { return InterpretedResult(status: status, outputs: []) }
    for (id, storage) in storage.enumerated() {
      if case .output(let index) = storage, let place = interpreter.places[id] { results[index] = place.memory }
    }
    var written: [[UInt8]] = []
    for (index, result) in results.enumerated() {
      let count = try interpreter.bytes(outputs[index])
      guard count <= result.bytes.count else {
        throw InterpretationError(description: "output \(index) has \(count) bytes, more than its memory")
      }
      if let hole = result.firstUnwritten, hole < count {
        throw InterpretationError(description: "byte \(hole) of output \(index) is not written")
      }
      written.append(Array(result.bytes.prefix(count)))
    }
    return InterpretedResult(status: status, outputs: written)
  }
}

/// Bytes that know which of them were written.
private final class Memory {
  private(set) var bytes: [UInt8]
  private var isWritten: [Bool]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    isWritten = Array(repeating: true, count: bytes.count)
  }

  /// Dimensions that a call rejects may ask for less than nothing.
  init(unwritten size: Int) {
    let count = max(size, 0)
    bytes = Array(repeating: 0xA5, count: count)
    isWritten = Array(repeating: false, count: count)
  }

  var firstUnwritten: Int? { isWritten.firstIndex(of: false) }

  func read(_ offset: Int, size: Int) throws(InterpretationError) -> UInt64 {
    try check(offset, size)
    var bits: UInt64 = 0
    for position in 0..<size {
      guard isWritten[offset + position] else {
        throw InterpretationError(description: "byte \(offset + position) is read unwritten")
      }
      bits |= UInt64(bytes[offset + position]) << UInt64(8 * position)
    }
    return bits
  }

  func write(_ bits: UInt64, _ offset: Int, size: Int) throws(InterpretationError) {
    try check(offset, size)
    for position in 0..<size {
      bytes[offset + position] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * position))
      isWritten[offset + position] = true
    }
  }

  private func check(_ offset: Int, _ size: Int) throws(InterpretationError) {
    guard offset >= 0, offset <= bytes.count - size else {
      throw InterpretationError(description: "\(size) bytes at \(offset) of \(bytes.count)")
    }
  }
}

/// Where a buffer begins.
private struct Place {
  var memory: Memory
  var offset = 0
}

/// The state of a kernel or of the entry.
private struct Interpreter {
  let kernels: [Kernel]
  var symbols: [String: Int]
  var places: [Int: Place] = [:]
  private var variables: [Lanes?] = []
  private var tiles: [TileRegister] = []

  init(kernels: [Kernel], symbols: [String: Int]) {
    self.kernels = kernels
    self.symbols = symbols
  }

  /// Runs statements until one fails; gives its status, or 0.
  mutating func run(_ statements: [Statement]) throws(InterpretationError) -> Int {
    for statement in statements {
      let status: Int
      do throws(InterpretationError) { status = try run(statement) } catch {
        if error.description.contains("\n") { throw error }
        throw InterpretationError(description: "\(error)\nin \(statement)")
      }
      if status != 0 { return status }
    }
    return 0
  }

  private mutating func run(_ statement: Statement) throws(InterpretationError) -> Int {
    switch statement {
    case .bind(let variable, let value), .declare(let variable, let value), .assign(let variable, let value):
      set(variable, try evaluate(value))
    case .store(let buffer, let index, let value, let count):
      let lanes = try evaluate(value)
      let start = try self.index(index)
      let end = try count.map { (count) throws(InterpretationError) in try self.index(count) } ?? lanes.bits.count
      for (lane, bits) in lanes.bits.enumerated() where lane < end { try write(bits, buffer, start + lane) }
    case .loop(let loop):
      let upper = try index(loop.upper)
      for position in stride(from: try index(loop.lower), to: upper, by: loop.step) {
        set(loop.variable, Lanes(position))
        let status = try run(loop.body)
        if status != 0 { return status }
      }
    case .conditional(let condition, let then, let otherwise):
      return try run(try evaluate(condition).bits[0] != 0 ? then : otherwise)
    case .whileLoop(let condition, let body):
      while try evaluate(condition).bits[0] != 0 {
        let status = try run(body)
        if status != 0 { return status }
      }
    case .allocate(let buffer, let count):
      places[buffer.id] = Place(memory: Memory(unwritten: count * buffer.element.bytes))
    case .zero(let buffer, let index, let count):
      let start = try self.index(index)
      for position in 0..<max(0, try self.index(count)) { try write(0, buffer, start + position) }
    case .prefetch(_, let index): _ = try self.index(index)
    case .tile(let operation): try run(operation)
    case .copy(let to, let index, let from, let fromIndex, let count):
      let (start, source) = (try self.index(index), try self.index(fromIndex))
      for position in 0..<max(0, try self.index(count)) {
        try write(try read(from, source + position), to, start + position)
      }
    case .call(let kernel, let arguments, let scalars): return try call(kernels[kernel], arguments, scalars)
    case .define(let symbol, let value): symbols[symbol] = try index(value)
    case .acquire(let buffer, let bytes): places[buffer.id] = Place(memory: Memory(unwritten: max(0, try index(bytes))))
    case .external: throw InterpretationError(description: "a function outside of the program is called")
    case .fail(let status): return status
    }
    return 0
  }

  private mutating func run(_ operation: TileOperation) throws(InterpretationError) {
    func check(_ tile: Int) throws(InterpretationError) {
      guard tile < tiles.count else { throw InterpretationError(description: "tile \(tile) has no shape") }
    }
    switch operation {
    case .configure(let shapes):
      tiles = try shapes.map { (shape) throws(InterpretationError) in
        let rows = try index(shape.rows)
        guard (1...16).contains(rows) else { throw InterpretationError(description: "a tile of \(rows) rows") }
        return TileRegister(rows: rows, columns: shape.columns)
      }
    case .release: tiles = []
    case .clear(let tile):
      try check(tile)
      tiles[tile] = TileRegister(rows: tiles[tile].rows, columns: tiles[tile].columns)
    case .load(let tile, let buffer, let index, let stride):
      try check(tile)
      let (start, stride) = (try self.index(index), try self.index(stride))
      for row in 0..<tiles[tile].rows {
        for column in 0..<tiles[tile].columns {
          tiles[tile][row, column] = try read(buffer, start + row * stride + column)
        }
      }
    case .store(let tile, let buffer, let index, let stride):
      try check(tile)
      let (start, stride) = (try self.index(index), try self.index(stride))
      for row in 0..<tiles[tile].rows {
        for column in 0..<tiles[tile].columns {
          try write(tiles[tile][row, column], buffer, start + row * stride + column)
        }
      }
    case .multiplyAdd(let element, let sum, let left, let right):
      try check(max(sum, left, right))
      let fits = tiles[sum].rows == tiles[left].rows && tiles[left].columns == tiles[right].rows
      guard fits && tiles[sum].columns == tiles[right].columns else {
        throw InterpretationError(description: "the shapes of tiles do not fit in \(operation)")
      }
      for row in 0..<tiles[sum].rows {
        for column in 0..<tiles[sum].columns {
          for depth in 0..<tiles[left].columns {
            tiles[sum][row, column] = LaneMath.multiplyAddGroups(
              tiles[left][row, depth], tiles[right][depth, column], tiles[sum][row, column], element)
          }
        }
      }
    }
  }

  /// The size of a port.
  func bytes(_ port: Port) throws(InterpretationError) -> Int {
    var count = port.element.bytes
    for extent in port.extents { count *= try index(extent.expr) }
    return count
  }

  private func call(_ kernel: Kernel, _ arguments: [Argument], _ scalars: [Expr]) throws(InterpretationError) -> Int {
    var inner = Interpreter(kernels: kernels, symbols: symbols)
    for (parameter, argument) in zip(kernel.parameters, arguments) {
      var place = try self.place(argument.buffer)
      place.offset += try index(argument.offset) * argument.buffer.element.bytes
      guard place.offset % parameter.alignment == 0 else {
        throw InterpretationError(
          description: "\(argument.buffer) lies at \(place.offset), not aligned to \(parameter.alignment)")
      }
      inner.places[parameter.buffer.id] = place
    }
    for (scalar, value) in zip(kernel.scalars, scalars) { inner.set(scalar, try evaluate(value)) }
    do throws(InterpretationError) { return try inner.run(kernel.body) } catch {
      throw InterpretationError(description: "\(error)\nin \(kernel.name)")
    }
  }

  private mutating func set(_ variable: Variable, _ value: Lanes) {
    while variables.count <= variable.id { variables.append(nil) }
    variables[variable.id] = value
  }

  private func place(_ buffer: Buffer) throws(InterpretationError) -> Place {
    guard let place = places[buffer.id] else { throw InterpretationError(description: "there is no \(buffer)") }
    return place
  }

  private func read(_ buffer: Buffer, _ index: Int) throws(InterpretationError) -> UInt64 {
    let place = try place(buffer)
    let size = buffer.element.bytes
    let bits = try place.memory.read(place.offset + index * size, size: size)
    return buffer.element == .bool && bits != 0 ? 1 : bits
  }

  private func write(_ bits: UInt64, _ buffer: Buffer, _ index: Int) throws(InterpretationError) {
    let place = try place(buffer)
    let size = buffer.element.bytes
    try place.memory.write(bits, place.offset + index * size, size: size)
  }

  /// The value of an `i64` scalar.
  func index(_ expr: Expr) throws(InterpretationError) -> Int { try evaluate(expr).integer(0) }

  private func evaluate(_ expr: Expr) throws(InterpretationError) -> Lanes {
    switch expr {
    case .integer(let value, let element): return Lanes(value, element)
    case .float(let value, let element): return Lanes(element, [LaneMath.bits(value, element)])
    case .variable(let variable):
      guard variable.id < variables.count, let value = variables[variable.id] else {
        throw InterpretationError(description: "\(variable) has no value")
      }
      return value
    case .symbol(let name):
      guard let value = symbols[name] else { throw InterpretationError(description: "$\(name) has no value") }
      return Lanes(value)
    case .load(let buffer, let index, let lanes, let count):
      let start = try self.index(index)
      let end = try count.map { (count) throws(InterpretationError) in try self.index(count) } ?? lanes
      var bits = [UInt64](repeating: 0, count: lanes)
      for lane in 0..<max(0, min(lanes, end)) { bits[lane] = try read(buffer, start + lane) }
      return Lanes(buffer.element, bits)
    case .gather(let buffer, let indices):
      let positions = try evaluate(indices)
      return Lanes(
        buffer.element,
        try positions.bits.map { (bits) throws(InterpretationError) in try read(buffer, Int(truncatingIfNeeded: bits)) }
      )
    case .splat(let value, let lanes):
      let scalar = try evaluate(value)
      return Lanes(scalar.element, [UInt64](repeating: scalar.bits[0], count: lanes))
    case .ramp(let base, let stride, let lanes):
      let first = try evaluate(base)
      return Lanes(
        first.element, (0..<lanes).map { LaneMath.bits(first.integer(0) &+ $0 &* stride, first.element) })
    case .unary(let op, let operand):
      let x = try evaluate(operand)
      return Lanes(x.element, x.bits.map { LaneMath.unary(op, $0, x.element) })
    case .binary(let op, let a, let b): return try binary(op, try evaluate(a), try evaluate(b))
    case .compare(let op, let a, let b):
      let (x, y) = (try evaluate(a), try evaluate(b))
      return Lanes(.bool, zip(x.bits, y.bits).map { LaneMath.compare(op, $0, $1, x.element) ? 1 : 0 })
    case .select(let condition, let a, let b):
      let (flags, x, y) = (try evaluate(condition), try evaluate(a), try evaluate(b))
      return Lanes(x.element, flags.bits.indices.map { flags.bits[$0] != 0 ? x.bits[$0] : y.bits[$0] })
    case .multiplyAdd(let a, let b, let c):
      let (x, y, z) = (try evaluate(a), try evaluate(b), try evaluate(c))
      return Lanes(
        x.element, x.bits.indices.map { LaneMath.multiplyAdd(x.bits[$0], y.bits[$0], z.bits[$0], x.element) })
    case .multiplyAddGroups(let a, let b, let c):
      let (x, y, z) = (try evaluate(a), try evaluate(b), try evaluate(c))
      return Lanes(
        z.element, x.bits.indices.map { LaneMath.multiplyAddGroups(x.bits[$0], y.bits[$0], z.bits[$0], z.element) })
    case .cast(let element, let operand):
      let x = try evaluate(operand)
      return Lanes(element, x.bits.map { LaneMath.cast($0, x.element, element) })
    case .bitcast(let element, let operand): return Lanes(element, try evaluate(operand).bits)
    case .shuffle(let vector, let positions):
      let lanes = try evaluate(vector)
      return Lanes(lanes.element, positions.map { lanes.bits[$0] })
    case .reduceLanes(let op, let vector):
      let lanes = try evaluate(vector)
      var result = Lanes(lanes.element, [lanes.bits[0]])
      for bits in lanes.bits.dropFirst() { result = try binary(op.combiner, result, Lanes(lanes.element, [bits])) }
      return result
    }
  }

  private func binary(_ op: BinaryOp, _ x: Lanes, _ y: Lanes) throws(InterpretationError) -> Lanes {
    var result = x
    for lane in x.bits.indices {
      guard let bits = LaneMath.binary(op, x.bits[lane], y.bits[lane], x.element) else {
        throw InterpretationError(description: "\(op) of \(x.integer(lane)) and \(y.integer(lane))")
      }
      result.bits[lane] = bits
    }
    return result
  }
}

/// The elements of a tile register as their bits.
private struct TileRegister {
  let rows: Int
  let columns: Int
  private var bits: [UInt64]

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    bits = Array(repeating: 0, count: rows * columns)
  }

  subscript(row: Int, column: Int) -> UInt64 {
    get { bits[row * columns + column] }
    set { bits[row * columns + column] = newValue }
  }
}

/// The lanes of a value as the bits of its elements.
private struct Lanes {
  var element: ElementType
  var bits: [UInt64]

  init(_ element: ElementType, _ bits: [UInt64]) {
    self.element = element
    self.bits = bits
  }

  init(_ value: Int, _ element: ElementType = .i64) { self.init(element, [LaneMath.bits(value, element)]) }

  func integer(_ lane: Int) -> Int { LaneMath.integer(bits[lane], element) }
}

extension LaneReduction {
  /// The operation on two lanes.
  fileprivate var combiner: BinaryOp {
    switch self {
    case .sum: .add
    case .product: .multiply
    case .min: .min
    case .max: .max
    case .and: .and
    case .or: .or
    }
  }
}
