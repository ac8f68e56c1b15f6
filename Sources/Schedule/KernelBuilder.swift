public import LoopIR
import Support
public import TensorIR

/// Collects the parameters and numbers the variables of one kernel.
struct KernelBuilder {
  private(set) var parameters: [Parameter] = []
  private(set) var buffers = 0
  private var variables = 0
  /// Whether vectors would not help the kernel.
  var staysScalar = false

  /// Adds a buffer parameter.
  mutating func parameter(_ element: ElementType, _ access: Access, alignment: Int? = nil) -> Buffer {
    let buffer = self.buffer(element)
    parameters.append(Parameter(buffer, access: access, alignment: alignment ?? element.bytes))
    return buffer
  }

  /// A new buffer that is not a parameter, for `allocate`.
  mutating func buffer(_ element: ElementType) -> Buffer {
    buffers += 1
    return Buffer(id: buffers - 1, element: element)
  }

  mutating func variable(_ type: ValueType) -> Variable {
    variables += 1
    return Variable(id: variables - 1, type: type)
  }

  /// A new `i64` scalar, for loops.
  mutating func index() -> Variable { variable(ValueType(.i64)) }
}

/// An operand or result in a kernel: a buffer with the strides of its axes.
struct View {
  var buffer: Buffer
  /// The type before storage: `f16` for a buffer of `u16`.
  var element: ElementType
  var shape: [Dim]
  var strides: [Dim]
  /// The element at position 0 of all axes.
  var offset = Dim(0)
}

extension Dim {
  /// The expression over literals and symbols.
  public var expr: Expr {
    let (constant, products) = summands
    var sum: Expr?
    for (coefficient, factors) in products {
      var product: Expr?
      for factor in factors { product = product.map { .binary(.multiply, $0, factor.expr) } ?? factor.expr }
      var term = product ?? .index(1)
      if coefficient != 1 { term = .binary(.multiply, term, .index(coefficient)) }
      sum = sum.map { .binary(.add, $0, term) } ?? term
    }
    guard let sum else { return .index(constant) }
    return constant == 0 ? sum : .binary(.add, sum, .index(constant))
  }
}

extension Dim {
  /// The expression as a divisor: an extent may be 0 where nothing needs the quotient.
  fileprivate var divisor: Expr { constant == nil ? .binary(.max, expr, .index(1)) : expr }
}

extension DimAtom {
  var expr: Expr {
    switch self {
    case .symbol(let name): .symbol(name)
    case .floorDivide(let a, let b): .binary(.floorDivide, a.expr, b.divisor)
    case .remainder(let a, let b): .binary(.floorRemainder, a.expr, b.divisor)
    case .min(let a, let b): .binary(.min, a.expr, b.expr)
    case .max(let a, let b): .binary(.max, a.expr, b.expr)
    }
  }
}

extension Expr {
  static func + (a: Expr, b: Expr) -> Expr {
    if let x = a.integerValue, let y = b.integerValue { return .index(x + y) }
    if a.integerValue == 0 { return b }
    if b.integerValue == 0 { return a }
    return .binary(.add, a, b)
  }

  static func * (a: Expr, b: Expr) -> Expr {
    if let x = a.integerValue, let y = b.integerValue { return .index(x * y) }
    if a.integerValue == 0 || b.integerValue == 0 { return .index(0) }
    if a.integerValue == 1 { return b }
    if b.integerValue == 1 { return a }
    if let y = b.integerValue, case .binary(.multiply, let inner, let c) = a, let x = c.integerValue {
      return inner * .index(x * y)
    }
    return .binary(.multiply, a, b)
  }
}
