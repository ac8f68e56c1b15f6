import Support
import TensorIR
import Testing

@Suite struct IntegerTests {
  private let values: [Int32] = [.min, .min + 1, -100, -7, -3, -2, -1, 0, 1, 2, 3, 5, 7, 31, 100, .max - 1, .max]

  private func pairs(_ divisors: [Int32]) -> [[Int32]] {
    [values.flatMap { x in divisors.map { _ in x } }, values.flatMap { _ in divisors }]
  }

  private func check(_ op: ScalarBinary, _ operands: [[Int32]], _ expected: (Int32, Int32) -> Int32) throws {
    let count = operands[0].count
    let results = try CompiledFunction([.i32, .i32], count: count) { $0.binary(op, $1[0], $1[1]) }(operands, Int32.self)
    for index in 0..<count {
      let (x, y) = (operands[0][index], operands[1][index])
      #expect(results[index] == expected(x, y), "\(op) of \(x) and \(y)")
    }
  }

  @Test func divisions() throws {
    let operands = pairs(values.filter { $0 != 0 })
    func floored(_ x: Int, _ y: Int) -> Int { x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0) }
    try check(.divide, operands) { Int32(truncatingIfNeeded: Int($0) / Int($1)) }
    try check(.remainder, operands) { Int32(Int($0) % Int($1)) }
    try check(.floorDivide, operands) { Int32(truncatingIfNeeded: floored(Int($0), Int($1))) }
    try check(.floorRemainder, operands) { Int32(Int($0) - floored(Int($0), Int($1)) * Int($1)) }
  }

  @Test func divisionByZeroDoesNotTrap() throws {
    let zeros = [Int32](repeating: 0, count: values.count)
    let function = try CompiledFunction([.i32, .i32], count: values.count) { $0.binary(.divide, $1[0], $1[1]) }
    #expect(function([values, zeros], Int32.self).count == values.count)
  }

  @Test func powers() throws {
    try check(.power, pairs([0, 1, 2, 3, 5, 31, 32, 33, 1000, -1, -2, .min])) { x, y in
      if y < 0 { return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0 }
      return (0..<y).reduce(Int32(1)) { product, _ in product &* x }
    }
  }

  @Test func narrowIntegersWrap() throws {
    let values = (Int8.min...Int8.max).map { $0 }
    let signed = try CompiledFunction([.i8], count: 256) { $0.cast($1[0], to: .i4) }([values], Int8.self)
    let unsigned = try CompiledFunction([.i8], count: 256) { $0.cast($1[0], to: .u4) }([values], UInt8.self)
    for (index, value) in values.enumerated() {
      #expect(signed[index] == (value << 4) >> 4)
      #expect(unsigned[index] == UInt8(bitPattern: value) & 15)
    }
  }

  @Test func floatsTruncate() throws {
    let values: [Float] = [
      0, 0.9, -0.9, 1.5, -1.5, 255, 300, -1, -129, 1e9, 2147483520, -2147483648, 3e9, 1e30, -1e30, .nan,
    ]
    func converted<T: FixedWidthInteger & BitwiseCopyable>(_ type: ElementType, _: T.Type) throws -> [T] {
      try CompiledFunction([.f32], count: values.count) { $0.cast($1[0], to: type) }([values], T.self)
    }
    let wide = try converted(.i32, Int32.self)
    let bytes = try converted(.u8, UInt8.self)
    let long = try converted(.i64, Int64.self)
    for (index, value) in values.enumerated() {
      let isSmall = abs(value) < 0x1p31 || value == -0x1p31
      #expect(wide[index] == (isSmall ? Int32(value) : Int32.min), "\(value)")
      #expect(bytes[index] == UInt8(truncatingIfNeeded: isSmall ? Int32(value) : Int32.min), "\(value)")
      #expect(long[index] == (abs(value) < 0x1p63 ? Int64(value) : Int64.min), "\(value)")
    }
  }
}
