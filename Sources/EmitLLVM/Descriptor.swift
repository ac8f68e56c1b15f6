import CLLVM
import EmitHeader
import LoopIR

/// Emits the `onnxc_model` of a program and the function that gives it.
func emitDescriptor(
  _ program: Program, _ interface: Interface, _ entry: (type: LLVMTypeRef, function: LLVMValueRef),
  in target: ModuleContext
) {
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
    target.int(1, target.i32), name(program.prefix), name(program.modelHash),
    target.int(program.inputs.count, target.i32), target.int(program.outputs.count, target.i32),
    tensors(interface.inputs), tensors(interface.outputs), target.int(program.symbols.count, target.i32),
    array(program.symbols.map(name), target.pointer), target.int(interface.arenaBytes ?? 0, target.i64),
    target.int(Interface.arenaAlign, target.i64), emitArenaSize(program, in: target),
    emitGenericRun(program, entry, in: target),
  ])
  let global = target.addConstant("\(program.prefix).model", model)
  let getter = target.addFunction("\(program.prefix)_model", target.pointer, [], internal: false)
  let emitter = FunctionEmitter(target, function: getter.function, returnsStatus: false)
  LLVMBuildRet(emitter.builder, global)
}

/// The arena's size from an array of symbols.
private func emitArenaSize(_ program: Program, in target: ModuleContext) -> LLVMValueRef {
  let size = target.addFunction("\(program.prefix).arena_size", target.i64, [target.pointer], internal: true)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  for (index, symbol) in program.symbols.enumerated() {
    emitter.symbols[symbol] = emitter.element(target.i64, of: emitter.parameter(0), at: index)
  }
  LLVMBuildRet(emitter.builder, emitter.emit(program.arenaBytes))
  return size.function
}

/// The entry called with arrays of pointers.
private func emitGenericRun(
  _ program: Program, _ entry: (type: LLVMTypeRef, function: LLVMValueRef), in target: ModuleContext
) -> LLVMValueRef {
  let run = target.addFunction(
    "\(program.prefix).run", target.i32, Array(repeating: target.pointer, count: 4), internal: true)
  let emitter = FunctionEmitter(target, function: run.function, returnsStatus: true)
  func elements(_ count: Int, _ type: LLVMTypeRef, _ parameter: Int) -> [LLVMValueRef] {
    (0..<count).map { emitter.element(type, of: emitter.parameter(parameter), at: $0) }
  }
  let arguments =
    [emitter.parameter(0)] + elements(program.symbols.count, target.i64, 3)
    + elements(program.inputs.count, target.pointer, 1) + elements(program.outputs.count, target.pointer, 2)
  LLVMBuildRet(emitter.builder, emitter.call(entry.type, entry.function, arguments))
  return run.function
}

extension FunctionEmitter {
  /// Reads an element of an array of the caller.
  fileprivate func element(_ type: LLVMTypeRef, of array: LLVMValueRef, at index: Int) -> LLVMValueRef {
    var indices: [LLVMValueRef?] = [target.int(index, target.i64)]
    let place = LLVMBuildInBoundsGEP2(builder, type, array, &indices, 1, "")
    return LLVMBuildLoad2(builder, type, place, "")
  }
}
