import EmitHeader
import LoopIR
import Support

/// The constants of a program in C: their declarations, an expression for each, and the bytes of a separate file.
struct CConstants {
  var text: String
  var names: [String]
  var weights: [UInt8]?
}

/// Constants as arrays.
func embeddedConstants(_ program: Program) -> CConstants {
  let used = usedConstants(program)
  let names = program.constants.indices.map { "\(program.prefix)_constant_\($0)" }
  let texts = zip(program.constants, names).enumerated().compactMap { index, item in
    let (constant, name) = item
    guard used.contains(index) else { return String?.none }
    let values = literals(constant)
    let head = "static const ALIGNED(64) \(constant.element.cType) \(name)[\(max(values.count, 1))] = {"
    return ([head] + wrapped(values.isEmpty ? ["0"] : values) + ["};"]).joined(separator: "\n")
  }
  return CConstants(text: texts.joined(separator: "\n\n"), names: names, weights: nil)
}

/// Constants in one file that the assembler includes, each at a multiple of 64 bytes.
func separateConstants(_ program: Program, _ options: COptions) -> CConstants {
  let label = program.prefix + "_weights"
  let macro = program.prefix.uppercased() + "_WEIGHTS_FILE"
  var weights: [UInt8] = []
  var names: [String] = []
  for constant in program.constants {
    weights += Array(repeating: 0, count: (64 - weights.count % 64) % 64)
    names.append("((const \(constant.element.cType) *)(const void *)(\(label) + \(weights.count)))")
    constant.bytes.withUnsafeBytes { weights.append(contentsOf: $0) }
  }
  let text = """
    #ifndef \(macro)
    #define \(macro) "\(options.weightsName)"
    #endif

    #if !defined(__GNUC__)
    #error "the weights are included by an assembler directive of GNU compilers"
    #elif defined(__APPLE__)
    __asm__(
        ".const_data\\n.p2align 6\\n.private_extern _\(label)\\n.globl _\(label)\\n"
        "_\(label):\\n.incbin \\"" \(macro) "\\"\\n.text\\n");
    #else
    __asm__(
        ".pushsection .rodata\\n.balign 64\\n.globl \(label)\\n.hidden \(label)\\n"
        "\(label):\\n.incbin \\"" \(macro) "\\"\\n.popsection\\n");
    #endif
    #ifdef __cplusplus
    extern "C"
    #endif
    __attribute__((visibility("hidden"))) extern const unsigned char \(label)[];
    """
  return CConstants(text: text, names: names, weights: weights)
}

/// The constants that some buffer of the entry stands for and a statement uses.
private func usedConstants(_ program: Program) -> Set<Int> {
  var used: Set<Int> = []
  func use(_ buffer: Buffer) {
    if buffer.id < program.storage.count, case .constant(let index) = program.storage[buffer.id] { used.insert(index) }
  }
  program.entry.walkExpressions { expression in
    switch expression {
    case .load(let buffer, _, _, _), .gather(let buffer, _): use(buffer)
    case .integer, .float, .variable, .symbol, .splat, .ramp, .unary, .binary, .compare, .select, .multiplyAdd, .multiplyAddGroups, .cast,
      .bitcast, .shuffle, .reduceLanes:
      break
    }
  }
  program.entry.walk { statement in
    switch statement {
    case .copy(_, _, let from, _, _): use(from)
    case .call, .external: for buffer in statement.buffers { use(buffer) }
    case .bind, .declare, .assign, .store, .loop, .conditional, .whileLoop, .allocate, .zero, .prefetch, .tile,
      .define, .acquire, .fail:
      break
    }
  }
  return used
}

/// The elements as C literals of the type that holds them.
private func literals(_ constant: ConstantData) -> [String] {
  func elements<T>(_ type: T.Type) -> [T] {
    constant.bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<T>.size).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type)
      }
    }
  }
  switch constant.element.cType {
  case "float": return elements(Float.self).map { ElementType.f32.cLiteral(Double($0)).text }
  case "double": return elements(Double.self).map { ElementType.f64.cLiteral($0).text }
  case "int8_t": return elements(Int8.self).map(\.description)
  case "int16_t": return elements(Int16.self).map(\.description)
  case "int32_t": return elements(Int32.self).map { ElementType.i32.cLiteral(Int($0)).text }
  case "int64_t": return elements(Int64.self).map { $0 == .min ? "INT64_MIN" : $0.description }
  case "uint16_t": return elements(UInt16.self).map(\.description)
  case "uint32_t": return elements(UInt32.self).map { "\($0)u" }
  case "uint64_t": return elements(UInt64.self).map { "\($0)u" }
  case _: return elements(UInt8.self).map(\.description)
  }
}

/// Lines of at most 100 columns.
private func wrapped(_ values: [String]) -> [String] {
  var lines: [String] = []
  var line = " "
  for value in values {
    if line.utf8.count + value.utf8.count > 97 {
      lines.append(line)
      line = " "
    }
    line += " \(value),"
  }
  return lines + [line]
}
