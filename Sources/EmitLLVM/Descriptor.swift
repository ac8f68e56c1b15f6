import CLLVM
import EmitHeader
import LoopIR

/// Emits the `onnxc_model` of a model's programs and the function that gives it.
func emitDescriptor(
  _ programs: [Program], _ interface: Interface, _ entry: EmittedFunction, in target: ModuleContext
) {
  let program = programs[0]
  func name(_ text: String) -> LLVMValueRef {
    target.addConstant("\(program.prefix).name", target.string(Array(text.utf8), terminated: true))
  }
  func structure(_ values: [LLVMValueRef]) -> LLVMValueRef {
    var fields: [LLVMValueRef?] = values
    return LLVMConstStructInContext(target.context, &fields, UInt32(fields.count), 0)
  }
  func array(_ values: [LLVMValueRef], _ type: LLVMTypeRef) -> LLVMValueRef {
    guard !values.isEmpty else { return LLVMConstNull(target.pointer) }
    var elements: [LLVMValueRef?] = values
    return target.addConstant("\(program.prefix).list", LLVMConstArray2(type, &elements, UInt64(elements.count)))
  }
  func tensors(_ tensors: [InterfaceTensor]) -> LLVMValueRef {
    let values = tensors.map { tensor in
      structure([
        name(tensor.port.name), target.int(tensor.port.element.onnxNumber, target.i32),
        target.int(tensor.dims.count, target.i32),
        array(tensor.dims.map { target.int($0 ?? -1, target.i64) }, target.i64),
        target.int(tensor.bytes ?? 0, target.i64),
      ])
    }
    return array(values, values.first.map { LLVMTypeOf($0) } ?? target.pointer)
  }
  let model = structure([
    target.int(3, target.i32), name(program.prefix), name(program.modelHash),
    target.int(program.inputs.count, target.i32), target.int(program.outputs.count, target.i32),
    tensors(interface.inputs), tensors(interface.outputs), target.int(program.symbols.count, target.i32),
    array(program.symbols.map(name), target.pointer), target.int(interface.arenaBytes ?? 0, target.i64),
    target.int(Interface.arenaAlign, target.i64), emitArenaSize(programs, in: target),
    emitOutputSizes(program, in: target),
    emitGenericRun(program, interface, entry, in: target),
  ])
  let global = target.addConstant("\(program.prefix).model", model)
  let getter = target.addFunction("\(program.prefix)_model", target.pointer, [], internal: false)
  let emitter = FunctionEmitter(target, function: getter.function, returnsStatus: false)
  LLVMBuildRet(emitter.builder, global)
}

/// The arena's size from an array of symbols.
private func emitArenaSize(_ programs: [Program], in target: ModuleContext) -> LLVMValueRef {
  let program = programs[0]
  let size = target.addFunction("\(program.prefix).arena_size", target.i64, [target.pointer], internal: true)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  emitSymbols(program, from: 0, emitter)
  LLVMBuildRet(emitter.builder, emitArenaBytes(programs, emitter))
  return size.function
}

/// The bytes to provide for an output, from an array of symbols.
private func emitOutputSizes(_ program: Program, in target: ModuleContext) -> LLVMValueRef {
  let size = target.addFunction("\(program.prefix).output_size", target.i64, [target.i32, target.pointer], internal: true)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  emitSymbols(program, from: 1, emitter)
  emitOutputSize(program, emitter)
  return size.function
}

/// Reads the caller's symbols from an array.
private func emitSymbols(_ program: Program, from parameter: Int, _ emitter: FunctionEmitter) {
  for (index, symbol) in program.symbols.enumerated() {
    emitter.symbols[symbol] = emitter.element(emitter.target.i64, of: emitter.parameter(parameter), at: index)
  }
  emitDerivedSymbols(program, emitter)
}

/// The entry called with arrays of pointers.
private func emitGenericRun(
  _ program: Program, _ interface: Interface, _ entry: EmittedFunction, in target: ModuleContext
) -> LLVMValueRef {
  let run = target.addFunction(
    "\(program.prefix).run", target.i32, Array(repeating: target.pointer, count: 7), internal: true)
  let emitter = FunctionEmitter(target, function: run.function, returnsStatus: true)
  let (arena, inputs, outputs, symbols, dims, memory, parallel) = (0, 1, 2, 3, 4, 5, 6)
  emitSymbols(program, from: symbols, emitter)
  var arguments = [emitter.parameter(arena)] + program.symbols.map { emitter.emit(.symbol($0)) }
  arguments += program.inputs.indices.map { emitter.element(target.pointer, of: emitter.parameter(inputs), at: $0) }
  for (index, port) in program.outputs.enumerated() {
    let place = emitter.place(target.pointer, of: emitter.parameter(outputs), at: index)
    arguments.append(port.memory == .acquired ? place : LLVMBuildLoad2(emitter.builder, target.pointer, place, ""))
  }
  var axis = 0
  for port in program.outputs {
    if port.memory == .exact {
      for (offset, extent) in port.extents.enumerated() {
        emitter.setElement(axis + offset, of: emitter.parameter(dims), to: emitter.emit(extent.expr))
      }
    } else {
      arguments.append(emitter.place(target.i64, of: emitter.parameter(dims), at: axis))
    }
    axis += port.extents.count
  }
  if interface.acquiresMemory { arguments.append(emitter.parameter(memory)) }
  if interface.isDivided { arguments.append(emitter.parameter(parallel)) }
  LLVMBuildRet(emitter.builder, emitter.call(entry.type, entry.function, arguments))
  return run.function
}

extension FunctionEmitter {
  /// Reads an element of an array of the caller.
  fileprivate func element(_ type: LLVMTypeRef, of array: LLVMValueRef, at index: Int) -> LLVMValueRef {
    LLVMBuildLoad2(builder, type, place(type, of: array, at: index), "")
  }

  /// The address of an element of an array of the caller.
  fileprivate func place(_ type: LLVMTypeRef, of array: LLVMValueRef, at index: Int) -> LLVMValueRef {
    var indices: [LLVMValueRef?] = [target.int(index, target.i64)]
    return LLVMBuildInBoundsGEP2(builder, type, array, &indices, 1, "")
  }
}
