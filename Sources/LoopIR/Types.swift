import Support

/// The type of a Loop IR expression: an element type and a number of vector lanes (1 for a scalar).
///
/// Loop IR knows `bool`, the integers of 8 to 64 bits, `f32` and `f64`. Narrower and rarer types are storage formats that
/// lowering reads and writes through integer arithmetic.
public struct ValueType: Hashable, Sendable {
  public var element: ElementType
  public var lanes: Int

  public init(_ element: ElementType, lanes: Int = 1) {
    self.element = element
    self.lanes = lanes
  }
}

/// A named scalar or vector value of a kernel; numbered densely from 0 within the kernel.
public struct Variable: Hashable, Sendable {
  public var id: Int
  public var type: ValueType

  public init(id: Int, type: ValueType) {
    self.id = id
    self.type = type
  }
}

/// A typed array in memory; numbered densely from 0 within the kernel (or within the program's entry).
///
/// Distinct buffers of one kernel never overlap unless both are only read or both may coincide. `bool` takes one byte, 0 or 1.
public struct Buffer: Hashable, Sendable {
  public var id: Int
  public var element: ElementType

  public init(id: Int, element: ElementType) {
    self.id = id
    self.element = element
  }
}
