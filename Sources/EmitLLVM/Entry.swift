import CLLVM
import EmitHeader
import LoopIR
import Support

/// Emits everything of a model into the module: the code of each variant for its own processor, the rest for all.
func emitModel(
  _ variants: [ProgramVariant], _ interface: Interface, common: ModuleContext, own: (ProgramVariant) -> ModuleContext
) throws(ModelError) {
  let programs = variants.map(\.program)
  let program = programs[0]
  let entry: EmittedFunction
  if variants.count == 1 {
    entry = emitCode(program, interface, constants: program.prefix, in: common)
  } else {
    var entries: [(entry: EmittedFunction, features: Set<X86Feature>)] = []
    for variant in variants {
      var code = variant.program
      code.prefix += ".\(variant.name)"
      entries.append(
        (
          emitCode(code, interface, constants: program.prefix, in: own(variant)),
          try X86Feature.all(in: variant.asked ?? variant.options.features)
        ))
    }
    entry = emitChoice(program.prefix, EntryParameters(interface).types(common), entries, in: common)
  }
  emitRun(program.prefix, interface, entry, in: common)
  if !program.symbols.isEmpty { emitArenaBytes(programs, in: common) }
  if !interface.hasFixedOutputs { emitOutputBytes(program, in: common) }
  emitDescriptor(programs, interface, entry, in: common)
  emitStatusTexts(in: common)
}

/// Emits what a processor runs; all names start with the program's prefix, but those of data with `constants`.
private func emitCode(
  _ program: Program, _ interface: Interface, constants prefix: String, in target: ModuleContext
) -> EmittedFunction {
  let constants = program.constants.map { target.sharedConstant(prefix, $0.bytes) }
  let symbols = program.kernelSymbols
  var kernels: [KernelFunction] = []
  for (kernel, symbols) in zip(program.kernels, symbols) {
    kernels.append(emitKernel(kernel, of: program, symbols: symbols, calling: kernels, in: target))
  }
  return emitEntry(program, interface, constants, kernels, in: target)
}

/// Where the parameters of the entry are.
struct EntryParameters {
  let symbols: Int
  let inputs: Int
  let outputs: Int
  /// The arrays for the extents that the call sets, with their outputs.
  var dims: [(output: Int, parameter: Int)] = []
  var memory: Int?
  var parallel: Int?
  let count: Int

  init(_ interface: Interface) {
    symbols = 1
    inputs = symbols + interface.symbols.count
    outputs = inputs + interface.inputs.count
    var next = outputs + interface.outputs.count
    for (index, tensor) in interface.outputs.enumerated() where tensor.port.memory != .exact {
      dims.append((index, next))
      next += 1
    }
    if interface.acquiresMemory {
      memory = next
      next += 1
    }
    required = inputs..<next
    if interface.isDivided {
      parallel = next
      next += 1
    }
    count = next
  }

  /// The parameters that are pointers which may not be null, the arena aside.
  let required: Range<Int>

  func types(_ target: ModuleContext) -> [LLVMTypeRef] {
    (0..<count).map { $0 >= symbols && $0 < inputs ? target.i64 : target.pointer }
  }
}

/// The internal function that checks the arguments and runs the kernels.
private func emitEntry(
  _ program: Program, _ interface: Interface, _ constants: [LLVMValueRef], _ kernels: [KernelFunction],
  in target: ModuleContext
) -> EmittedFunction {
  let parameters = EntryParameters(interface)
  let result = target.addFunction("\(program.prefix).entry", target.i32, parameters.types(target), internal: true)
  let emitter = FunctionEmitter(target, function: result.function, returnsStatus: true)
  for (index, symbol) in program.symbols.enumerated() {
    emitter.symbols[symbol] = emitter.parameter(parameters.symbols + index)
  }
  emitDerivedSymbols(program, emitter)
  for symbol in program.measured { emitter.symbolSlots[symbol] = emitter.allocate(target.i64) }
  checkArguments(program, parameters, emitter)
  for (id, storage) in program.storage.enumerated() {
    switch storage {
    case .input(let index): emitter.buffers[id] = emitter.parameter(parameters.inputs + index)
    case .output(let index) where program.outputs[index].memory == .acquired:
      emitter.bufferSlots[id] = emitter.parameter(parameters.outputs + index)
    case .output(let index): emitter.buffers[id] = emitter.parameter(parameters.outputs + index)
    case .constant(let index): emitter.buffers[id] = constants[index]
    case .acquired: emitter.bufferSlots[id] = emitter.allocate(target.pointer)
    case .arena(let offset):
      var indices: [LLVMValueRef?] = [emitter.emit(offset)]
      emitter.buffers[id] = LLVMBuildInBoundsGEP2(
        emitter.builder, target.i8, emitter.parameter(0), &indices, 1, "")
    }
  }
  emitter.mayCoincide = program.mayCoincide
  emitter.callees = kernels
  let externals = program.externals.map { declare($0, in: target) }
  emitter.emitExternal = { emitter, number, arguments in
    let values = arguments.map { argument in
      switch argument {
      case .place(let place): emitter.address(place.buffer, emitter.emit(place.offset))
      case .absent: LLVMConstNull(target.pointer)!
      case .value(let value): emitter.emit(value)
      }
    }
    let status = emitter.call(externals[number].type, externals[number].function, values)
    let failure = program.externals[number].provider.failure
    emitter.leave(if: emitter.isNonzero(status), emitter.status(failure.rawValue))
  }
  if let memory = parameters.memory {
    emitter.emitAcquire = { acquire($1, $2, from: $0.parameter(memory), $0) }
  }
  if let parallel = parameters.parallel, program.parts > 1 {
    let division = DivisionEmitter(program, kernels, in: target)
    emitter.emitParallel = { division.emit($1, hook: $0.parameter(parallel), $0) }
  }
  emitter.emit(program.entry)
  for (output, parameter) in parameters.dims {
    for (axis, extent) in program.outputs[output].extents.enumerated() {
      emitter.setElement(axis, of: emitter.parameter(parameter), to: emitter.emit(extent.expr))
    }
  }
  emitter.finish()
  return result
}

/// Gives the derived symbols their values.
func emitDerivedSymbols(_ program: Program, _ emitter: FunctionEmitter) {
  for symbol in program.derived { emitter.symbols[symbol.name] = emitter.emit(symbol.value) }
}

/// Declares a function that the linking program supplies.
private func declare(_ function: ExternalFunction, in target: ModuleContext) -> EmittedFunction {
  var types: [LLVMTypeRef?] = function.parameters.map { parameter in
    switch parameter.kind {
    case .input, .output, .text: target.pointer
    case .value: target.memory(parameter.element)
    }
  }
  guard let type = LLVMFunctionType(target.i32, &types, UInt32(types.count), 0),
    let declaration = LLVMGetNamedFunction(target.module, function.name)
      ?? LLVMAddFunction(target.module, function.name, type)
  else { fatalError("declaration of \(function.name)") }
  return (type, declaration)
}

/// Calls the caller's allocator and leaves if it gives nothing.
private func acquire(_ buffer: Buffer, _ bytes: Expr, from memory: LLVMValueRef, _ emitter: FunctionEmitter) {
  let target = emitter.target
  guard let slot = emitter.bufferSlots[buffer.id] else { fatalError("buffer b\(buffer.id) has memory") }
  let allocate = LLVMBuildLoad2(emitter.builder, target.pointer, memory, "")
  var indices: [LLVMValueRef?] = [target.int(1, target.i64)]
  let place = LLVMBuildInBoundsGEP2(emitter.builder, target.pointer, memory, &indices, 1, "")
  let context = LLVMBuildLoad2(emitter.builder, target.pointer, place, "")
  var types: [LLVMTypeRef?] = [target.pointer, target.i64]
  guard let type = LLVMFunctionType(target.pointer, &types, 2, 0), let allocate, let context else {
    fatalError("allocator")
  }
  // Some allocators give nothing for 0 bytes.
  let size = emitter.emit(.binary(.max, bytes, .index(1)))
  let address = emitter.call(type, allocate, [context, size])
  LLVMBuildStore(emitter.builder, address, slot)
  emitter.leave(if: LLVMBuildIsNull(emitter.builder, address, ""), emitter.status(Status.outOfMemory.rawValue))
}

extension FunctionEmitter {
  /// Returns a status if a condition holds.
  func leave(if condition: LLVMValueRef, _ status: LLVMValueRef) {
    let failed = block("failed")
    let next = block("next")
    LLVMBuildCondBr(builder, condition, failed, next)
    moveTo(failed)
    LLVMBuildRet(builder, status)
    moveTo(next)
  }

  /// Writes an element of an `int64_t` array of the caller.
  func setElement(_ index: Int, of array: LLVMValueRef, to value: LLVMValueRef) {
    var indices: [LLVMValueRef?] = [target.int(index, target.i64)]
    LLVMBuildStore(builder, value, LLVMBuildInBoundsGEP2(builder, target.i64, array, &indices, 1, ""))
  }
}

/// Leaves with `nullArgument` if a pointer is null or the arena is missing or misaligned.
private func checkArguments(_ program: Program, _ parameters: EntryParameters, _ emitter: FunctionEmitter) {
  let target = emitter.target
  let builder = emitter.builder
  var isBad: LLVMValueRef = target.int(0, target.i1)
  for index in parameters.required {
    isBad = LLVMBuildOr(builder, isBad, LLVMBuildIsNull(builder, emitter.parameter(index), ""), "")
  }
  if program.arenaBytes.integerValue != 0 {
    let arena = emitter.parameter(0)
    let bits = LLVMBuildPtrToInt(builder, arena, target.size, "")
    let low = LLVMBuildAnd(builder, bits, target.int(Interface.arenaAlign - 1, target.size), "")
    let isUnusable = LLVMBuildOr(
      builder, LLVMBuildIsNull(builder, arena, ""), emitter.isNonzero(low!), "")
    let isNeeded = LLVMBuildICmp(
      builder, LLVMIntSGT, emitter.emit(program.arenaBytes), target.int(0, target.i64), "")
    isBad = LLVMBuildOr(builder, isBad, LLVMBuildAnd(builder, isNeeded, isUnusable, ""), "")
  }
  emitter.leave(if: isBad, emitter.status(Status.nullArgument.rawValue))
}

/// The exported function with the model's signature.
private func emitRun(_ prefix: String, _ interface: Interface, _ entry: EmittedFunction, in target: ModuleContext) {
  let types = EntryParameters(interface).types(target)
  let run = target.addFunction("\(prefix)_run", target.i32, types, internal: false)
  let emitter = FunctionEmitter(target, function: run.function, returnsStatus: true)
  LLVMBuildRet(
    emitter.builder, emitter.call(entry.type, entry.function, types.indices.map(emitter.parameter)))
}

/// The exported function that gives the size of the arena for some symbols.
private func emitArenaBytes(_ programs: [Program], in target: ModuleContext) {
  let program = programs[0]
  let size = target.addFunction(
    "\(program.prefix)_arena_bytes", target.i64, program.symbols.map { _ in target.i64 }, internal: false)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  for (index, symbol) in program.symbols.enumerated() { emitter.symbols[symbol] = emitter.parameter(index) }
  LLVMBuildRet(emitter.builder, emitArenaBytes(programs, emitter))
}

/// The bytes that suffice for every one of the programs.
func emitArenaBytes(_ programs: [Program], _ emitter: FunctionEmitter) -> LLVMValueRef {
  let sizes = programs.map { program in
    emitDerivedSymbols(program, emitter)
    return emitter.emit(program.arenaBytes)
  }
  return sizes.dropFirst().reduce(sizes[0]) { emitter.call("llvm.smax", [emitter.target.i64], [$0, $1]) }
}

/// The exported function that gives the bytes to provide for an output.
private func emitOutputBytes(_ program: Program, in target: ModuleContext) {
  let size = target.addFunction(
    "\(program.prefix)_output_bytes", target.i64, [target.i32] + program.symbols.map { _ in target.i64 }, internal: false)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  for (index, symbol) in program.symbols.enumerated() { emitter.symbols[symbol] = emitter.parameter(1 + index) }
  emitDerivedSymbols(program, emitter)
  emitOutputSize(program, emitter)
}

/// Returns the bytes to provide for the output that parameter 0 numbers.
func emitOutputSize(_ program: Program, _ emitter: FunctionEmitter) {
  let target = emitter.target
  let unknown = emitter.block("unknown")
  let choice = LLVMBuildSwitch(emitter.builder, emitter.parameter(0), unknown, UInt32(program.outputs.count))
  for (index, port) in program.outputs.enumerated() {
    let block = emitter.block("output")
    LLVMAddCase(choice, target.int(index, target.i32), block)
    emitter.moveTo(block)
    LLVMBuildRet(emitter.builder, emitter.emit(port.capacityBytes))
  }
  emitter.moveTo(unknown)
  LLVMBuildRet(emitter.builder, target.int(0, target.i64))
}

/// `onnxc_strerror`, which all models of one executable share.
private func emitStatusTexts(in target: ModuleContext) {
  let texts = target.addFunction("onnxc_strerror", target.pointer, [target.i32], internal: false)
  LLVMSetLinkage(texts.function, LLVMWeakAnyLinkage)
  let emitter = FunctionEmitter(target, function: texts.function, returnsStatus: false)
  let unknown = emitter.block("unknown")
  let choice = LLVMBuildSwitch(emitter.builder, emitter.parameter(0), unknown, UInt32(Status.allCases.count))
  func give(_ text: String, in block: LLVMBasicBlockRef) {
    emitter.moveTo(block)
    let bytes = target.string(Array(text.utf8), terminated: true)
    LLVMBuildRet(emitter.builder, target.addConstant("onnxc.status", bytes))
  }
  for status in Status.allCases {
    let block = emitter.block("status")
    LLVMAddCase(choice, emitter.status(status.rawValue), block)
    give(status.text, in: block)
  }
  give("unknown status", in: unknown)
}
