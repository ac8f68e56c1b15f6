import CLLVM
public import CModelABI
import Glibc
public import LoopIR
public import ModelHost
public import Support

/// A model compiled into this process.
public final class JITModel: DescribedModel {
  public let descriptor: UnsafePointer<onnxc_model>
  private let object: Bytes
  private let jit: LLVMOrcLLJITRef
  private let functions: OperatorLibrary?

  /// Compiles the program for the machine that this process runs on.
  ///
  /// The shared library at `path` has the functions of custom operators; others are those of this process.
  public convenience init(_ program: Program, optimization: Int = 2, library path: String? = nil) throws(ModelError) {
    let variant = ProgramVariant(name: "", program: program, options: .host(optimization: optimization))
    try self.init([variant], library: path)
  }

  /// Compiles programs for several processors, of which this machine must be able to run one.
  ///
  /// The shared library at `path` has the functions of custom operators.
  public init(_ variants: [ProgramVariant], library path: String? = nil) throws(ModelError) {
    let program = variants[0].program
    let custom = program.externals.filter { $0.provider == .user }
    functions = custom.isEmpty ? nil : try OperatorLibrary(path ?? "", custom)
    let compiled = try emitLLVM(variants, isForObject: true)
    var created: LLVMOrcLLJITRef?
    check(LLVMOrcCreateLLJIT(&created, nil))
    guard let jit = created else { fatalError("no JIT") }
    let library = LLVMOrcLLJITGetMainJITDylib(jit)
    // Generated code may call memcpy, memset and the functions of `Runtime` of this process.
    var generator: LLVMOrcDefinitionGeneratorRef?
    check(
      LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &generator, LLVMOrcLLJITGetGlobalPrefix(jit), nil, nil))
    LLVMOrcJITDylibAddGenerator(library, generator)
    functions?.define(in: jit)
    // The JIT may keep the buffer as long as it lives, and so does this object.
    object = try compiled.object()
    let buffer = object.withUnsafeBytes { bytes in
      LLVMCreateMemoryBufferWithMemoryRange(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, program.prefix, 0)
    }
    check(LLVMOrcLLJITAddObjectFile(jit, library, buffer))
    var address: LLVMOrcExecutorAddress = 0
    check(LLVMOrcLLJITLookup(jit, &address, program.prefix + "_model"))
    typealias Descriptor = @convention(c) () -> UnsafePointer<onnxc_model>
    guard let getter = UnsafeRawPointer(bitPattern: UInt(address)) else { fatalError("descriptor at null") }
    descriptor = unsafeBitCast(getter, to: Descriptor.self)()
    self.jit = jit
  }

  deinit { check(LLVMOrcDisposeLLJIT(jit)) }

  /// The address of a name in the library with the functions of custom operators.
  public func symbol(_ name: String) -> UnsafeMutableRawPointer? { functions?.symbol(name) }
}

/// A shared library with functions outside of a program, whose names it keeps to itself.
private final class OperatorLibrary {
  private let handle: UnsafeMutableRawPointer
  private let addresses: [(name: String, address: UnsafeMutableRawPointer)]

  init(_ path: String, _ functions: [ExternalFunction]) throws(ModelError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? ""
      throw .invalid("the code of custom operators cannot be loaded: \(reason)")
    }
    var addresses: [(name: String, address: UnsafeMutableRawPointer)] = []
    for function in functions {
      guard let address = dlsym(handle, function.name) else {
        dlclose(handle)
        throw .invalid("the model calls \(function.name)", hint: "give the file with its code with --link")
      }
      addresses.append((function.name, address))
    }
    self.handle = handle
    self.addresses = addresses
  }

  deinit { dlclose(handle) }

  func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }

  /// Makes the functions known to code of a JIT.
  func define(in jit: LLVMOrcLLJITRef) {
    let flags = LLVMJITSymbolFlags(GenericFlags: UInt8(LLVMJITSymbolGenericFlagsExported.rawValue), TargetFlags: 0)
    var symbols = addresses.map { name, address in
      let symbol = LLVMJITEvaluatedSymbol(Address: UInt64(UInt(bitPattern: address)), Flags: flags)
      return LLVMOrcCSymbolMapPair(Name: LLVMOrcLLJITMangleAndIntern(jit, name), Sym: symbol)
    }
    check(LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit), LLVMOrcAbsoluteSymbols(&symbols, symbols.count)))
  }
}

/// Stops if the JIT reports a failure, which no program should cause.
private func check(_ error: LLVMErrorRef?) {
  guard let error else { return }
  let message = LLVMGetErrorMessage(error)
  defer { LLVMDisposeErrorMessage(message) }
  fatalError("JIT: " + (message.map { String(cString: $0) } ?? ""))
}
