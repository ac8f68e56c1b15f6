import CLLVM
import Support

/// Registers all targets, once: LLVM's registry does not bear two threads.
private let targetsAreKnown: Void = {
  LLVMInitializeAllTargetInfos()
  LLVMInitializeAllTargets()
  LLVMInitializeAllTargetMCs()
  LLVMInitializeAllAsmPrinters()
  LLVMInitializeAllAsmParsers()
}()

/// Owns LLVM's description of a target.
final class TargetMachine {
  let ref: LLVMTargetMachineRef

  init(_ options: LLVMOptions) throws(ModelError) {
    targetsAreKnown
    var target: LLVMTargetRef?
    var message: UnsafeMutablePointer<CChar>?
    guard LLVMGetTargetFromTriple(options.triple, &target, &message) == 0, let target else {
      throw .unsupported(
        "target '\(options.triple)' is not known: \(takeMessage(message))",
        hint: "give a triple such as aarch64-linux-gnu")
    }
    let level =
      switch options.optimization {
      case ...0: LLVMCodeGenLevelNone
      case 1: LLVMCodeGenLevelLess
      case 2: LLVMCodeGenLevelDefault
      case _: LLVMCodeGenLevelAggressive
      }
    let machine = LLVMCreateTargetMachine(
      target, options.triple, options.cpu, options.features, level, LLVMRelocPIC, LLVMCodeModelDefault)
    guard let machine else {
      throw .unsupported("target '\(options.triple)' cannot generate code for cpu '\(options.cpu)'")
    }
    ref = machine
  }

  deinit { LLVMDisposeTargetMachine(ref) }
}
