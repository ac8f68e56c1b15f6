import EmitHeader
import LoopIR
import Support

extension CFunction {
  mutating func print(_ statement: Statement) {
    switch statement {
    case .bind(let variable, let value):
      positions.bind(variable, value)
      guard read.contains(variable.id) else { return }
      line("const \(variable.type.element.cValueType) \(name(variable)) = \(print(value).text);")
    case .declare(let variable, let value):
      guard read.contains(variable.id) else { return }
      line("\(variable.type.element.cValueType) \(name(variable)) = \(print(value).text);")
    case .assign(let variable, let value):
      guard read.contains(variable.id) else { return }
      line("\(name(variable)) = \(print(value).text);")
    case .store(let target, let index, let value, let count):
      let guardText = count.map { "if (\(print($0).at(.sum)) > 0) " } ?? ""
      line("\(guardText)\(buffer(target))[\(print(index).text)] = \(print(value).text);")
    case .loop(let loop):
      if loop.kind == .parallel, let parallelLoop { parallelLoop(&self, loop) } else { print(loop) }
    case .conditional(let condition, let then, let otherwise):
      line("if (\(print(condition).text)) {")
      nested(then)
      if !otherwise.isEmpty {
        line("} else {")
        nested(otherwise)
      }
      line("}")
    case .whileLoop(let condition, let body):
      line("while (\(print(condition).text)) {")
      nested(body)
      line("}")
    case .allocate(let array, let count):
      line("ALIGNED(64) \(array.element.cType) \(buffer(array))[\(max(count, 1))];")
    case .zero(let target, let index, let count):
      line("memset(\(place(target, index)), 0, \(size(count, target.element)));")
    case .prefetch: break
    case .tile(let operation): fatalError("C has no tiles: \(operation)")
    case .copy(let to, let index, let from, let fromIndex, let count):
      let (destination, source) = (place(to, index), place(from, fromIndex))
      let guardText = mayCoincide(to, from) ? "if (\(destination) != \(source)) " : ""
      line("\(guardText)memcpy(\(destination), \(source), \(size(count, to.element)));")
    case .call(let kernel, let arguments, let scalars):
      guard let callees else { fatalError("no kernels to call") }
      callees.call(kernel, arguments, scalars, in: &self)
    case .define(let name, let value): line("\(symbol(name)) = \(print(value).text);")
    case .acquire(let buffer, let bytes):
      guard let acquisition else { fatalError("a kernel cannot acquire memory") }
      acquisition(&self, buffer, bytes)
    case .external(let function, let arguments):
      guard let externalCall else { fatalError("a kernel cannot call function \(function)") }
      externalCall(&self, function, arguments)
    case .fail(let status):
      precondition(returnsStatus, "fail in a kernel that cannot fail")
      line("return \(status);")
    }
  }

  /// The address of an element.
  mutating func place(_ target: Buffer, _ index: Expr) -> String {
    index.integerValue == 0 ? buffer(target) : "\(buffer(target)) + \(print(index).at(.sum))"
  }

  private mutating func size(_ count: Expr, _ element: ElementType) -> String {
    "\(print(count).cast(to: "size_t").text) * sizeof(\(element.cType))"
  }

  private mutating func print(_ loop: Loop) {
    precondition(loop.step >= 1, "loop with step \(loop.step)")
    let counter = name(loop.variable)
    let lower = print(loop.lower).text
    var upper = print(loop.upper).at(.sum)
    if !positions.isExact(loop.upper) {
      // The bound is taken once, before the body changes what it is computed from.
      line("const int64_t end_\(counter) = \(upper);")
      upper = "end_\(counter)"
    }
    positions.insert(loop.variable)
    let step = loop.step == 1 ? "++\(counter)" : "\(counter) += \(loop.step)"
    line("for (int64_t \(counter) = \(lower); \(counter) < \(upper); \(step)) {")
    nested(loop.body)
    line("}")
  }
}
