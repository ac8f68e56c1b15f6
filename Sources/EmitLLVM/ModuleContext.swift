import CLLVM
import LoopIR
import Support

/// The constants of a module by their bytes.
final class ConstantPool {
  fileprivate(set) var globals: [Bytes: LLVMValueRef] = [:]
  /// Those that the module only has room for; nil if it has all.
  fileprivate(set) var reserved: ReservedData?

  init(reservesData: Bool) { reserved = reservesData ? ReservedData() : nil }
}

/// What every part of one module that is for one processor shares: types, attributes, intrinsics and data.
final class ModuleContext {
  let context: LLVMContextRef
  let module: LLVMModuleRef
  let options: LLVMOptions
  let pointerBytes: Int

  let i1: LLVMTypeRef
  let i8: LLVMTypeRef
  let i32: LLVMTypeRef
  let i64: LLVMTypeRef
  let pointer: LLVMTypeRef
  let void: LLVMTypeRef
  private let pool: ConstantPool

  /// `pool` holds the data that functions for several processors share.
  init(
    context: LLVMContextRef, module: LLVMModuleRef, options: LLVMOptions, pointerBytes: Int, pool: ConstantPool
  ) {
    self.pool = pool
    self.context = context
    self.module = module
    self.options = options
    self.pointerBytes = pointerBytes
    i1 = LLVMInt1TypeInContext(context)
    i8 = LLVMInt8TypeInContext(context)
    i32 = LLVMInt32TypeInContext(context)
    i64 = LLVMInt64TypeInContext(context)
    pointer = LLVMPointerTypeInContext(context, 0)
    void = LLVMVoidTypeInContext(context)
  }

  /// The integer type of the target's addresses.
  var size: LLVMTypeRef { LLVMIntTypeInContext(context, UInt32(pointerBytes * 8)) }

  /// The type of an element in computations, where `bool` is one bit.
  func scalar(_ element: ElementType) -> LLVMTypeRef {
    if element == .bool { return i1 }
    return element == .f16 ? LLVMHalfTypeInContext(context) : memory(element)
  }

  /// The type of an element in memory.
  func memory(_ element: ElementType) -> LLVMTypeRef {
    switch element {
    case .bool, .i8, .u8: i8
    case .i16, .u16: LLVMInt16TypeInContext(context)
    case .i32, .u32: i32
    case .i64, .u64: i64
    case .f32: LLVMFloatTypeInContext(context)
    case .f64: LLVMDoubleTypeInContext(context)
    case .f16, .bf16, .i2, .i4, .u2, .u4, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .c64, .c128,
      .string:
      fatalError("Loop IR does not compute with \(element)")
    }
  }

  /// The type of a value in computations.
  func type(_ type: ValueType) -> LLVMTypeRef { vector(scalar(type.element), type.lanes) }

  /// `lanes` elements, or the element itself for one lane.
  func vector(_ element: LLVMTypeRef, _ lanes: Int) -> LLVMTypeRef {
    lanes == 1 ? element : LLVMVectorType(element, UInt32(lanes))
  }

  func int(_ value: Int, _ type: LLVMTypeRef) -> LLVMValueRef {
    LLVMConstInt(type, UInt64(bitPattern: Int64(value)), 1)
  }

  /// The declaration of an intrinsic function and its type.
  func intrinsic(_ name: String, _ types: [LLVMTypeRef]) -> (LLVMTypeRef, LLVMValueRef) {
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    precondition(id != 0, "no intrinsic \(name)")
    var overloads: [LLVMTypeRef?] = types
    let type = LLVMIntrinsicGetType(context, id, &overloads, overloads.count)
    let function = LLVMGetIntrinsicDeclaration(module, id, &overloads, overloads.count)
    guard let type, let function else { fatalError("no declaration of \(name)") }
    return (type, function)
  }

  func attribute(_ name: String, _ value: UInt64 = 0) -> LLVMAttributeRef {
    LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName(name, name.utf8.count), value)
  }

  /// Adds a function with the attributes that all generated functions have.
  func addFunction(_ name: String, _ result: LLVMTypeRef, _ parameters: [LLVMTypeRef], internal isInternal: Bool) -> (
    type: LLVMTypeRef, function: LLVMValueRef
  ) {
    var types: [LLVMTypeRef?] = parameters
    guard let type = LLVMFunctionType(result, &types, UInt32(types.count), 0),
      let function = LLVMAddFunction(module, name, type)
    else { fatalError("function \(name)") }
    if isInternal { LLVMSetLinkage(function, LLVMInternalLinkage) }
    add(attribute("nounwind"), to: function)
    // Optimizations must not turn plain loops and arithmetic into calls of a C library.
    addText("no-builtins", "", to: function)
    if !options.cpu.isEmpty { addText("target-cpu", options.cpu, to: function) }
    if !options.tuning.isEmpty { addText("tune-cpu", options.tuning, to: function) }
    if !options.features.isEmpty { addText("target-features", options.features, to: function) }
    if options.features.contains("+avx512f") { addText("prefer-vector-width", "512", to: function) }
    return (type, function)
  }

  func add(_ attribute: LLVMAttributeRef, to function: LLVMValueRef, parameter: Int? = nil) {
    LLVMAddAttributeAtIndex(function, parameter.map { UInt32($0 + 1) } ?? UInt32.max, attribute)
  }

  private func addText(_ name: String, _ value: String, to function: LLVMValueRef) {
    let text = LLVMCreateStringAttribute(
      context, name, UInt32(name.utf8.count), value, UInt32(value.utf8.count))
    guard let text else { fatalError("attribute \(name)") }
    add(text, to: function)
  }

  /// Adds private read-only data.
  func addConstant(_ name: String, _ value: LLVMValueRef, alignment: Int? = nil) -> LLVMValueRef {
    guard let global = LLVMAddGlobal(module, LLVMTypeOf(value), name) else { fatalError("global \(name)") }
    LLVMSetInitializer(global, value)
    LLVMSetGlobalConstant(global, 1)
    LLVMSetLinkage(global, LLVMPrivateLinkage)
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr)
    if let alignment { LLVMSetAlignment(global, UInt32(alignment)) }
    return global
  }

  /// Private read-only data aligned to 64 bytes, once for equal bytes.
  func sharedConstant(_ prefix: String, _ bytes: Bytes) -> LLVMValueRef {
    if let known = pool.globals[bytes] { return known }
    let name = "\(prefix).constant_\(pool.globals.count)"
    let isReserved = pool.reserved != nil && bytes.count >= ReservedData.threshold
    let room = isReserved ? LLVMConstNull(LLVMArrayType2(i8, UInt64(bytes.count))) : nil
    let global = addConstant(name, room ?? data(bytes), alignment: 64)
    if isReserved {
      LLVMSetLinkage(global, LLVMInternalLinkage)
      LLVMSetExternallyInitialized(global, 1)
      pool.reserved?.data[name] = bytes
    }
    pool.globals[bytes] = global
    return global
  }

  private func data(_ bytes: Bytes) -> LLVMValueRef {
    let value = bytes.withUnsafeBytes {
      LLVMConstStringInContext2(context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, 1)
    }
    guard let value else { fatalError("data constant") }
    return value
  }

  /// A string as bytes, with a terminating zero if `terminated`.
  func string(_ bytes: [UInt8], terminated: Bool) -> LLVMValueRef {
    let value = bytes.withUnsafeBytes {
      LLVMConstStringInContext2(
        context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, terminated ? 0 : 1)
    }
    guard let value else { fatalError("string constant") }
    return value
  }
}
