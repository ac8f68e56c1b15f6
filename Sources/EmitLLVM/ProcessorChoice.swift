import CLLVM
import LoopIR
import Support

/// A program scheduled for one of the processors that a module has code for.
public struct ProgramVariant: Sendable {
  /// The processor, part of the names of local symbols.
  public var name: String
  public var program: Program
  public var options: LLVMOptions
  /// The features that a processor is asked for, if not all of the options: where the rest is known to be there.
  public var asked: String?

  public init(name: String, program: Program, options: LLVMOptions) {
    self.name = name
    self.program = program
    self.options = options
  }
}

/// A function of the module with its type.
typealias EmittedFunction = (type: LLVMTypeRef, function: LLVMValueRef)

/// Emits the entry that calls the first of `entries` whose features the processor has, or gives a status.
func emitChoice(
  _ prefix: String, _ parameters: [LLVMTypeRef], _ entries: [(entry: EmittedFunction, features: Set<X86Feature>)],
  in target: ModuleContext
) -> EmittedFunction {
  let entry = target.addFunction("\(prefix).entry", target.i32, parameters, internal: true)
  let emitter = FunctionEmitter(target, function: entry.function, returnsStatus: true)
  let builder = emitter.builder
  let number = emitNumber(prefix, entries.map(\.features), emitter)
  let none = emitter.block("none")
  let choice = LLVMBuildSwitch(builder, number, none, UInt32(entries.count))
  for (index, variant) in entries.enumerated() {
    // Code for the oldest processors could be inlined, and the choice would pay for its stack.
    target.add(target.attribute("noinline"), to: variant.entry.function)
    let block = emitter.block("variant")
    LLVMAddCase(choice, target.int(1 + index, target.i32), block)
    emitter.moveTo(block)
    let arguments = parameters.indices.map(emitter.parameter)
    LLVMBuildRet(builder, emitter.call(variant.entry.type, variant.entry.function, arguments))
  }
  emitter.moveTo(none)
  LLVMBuildRet(builder, emitter.status(Status.unsupportedProcessor.rawValue))
  return entry
}

/// The number of the first list of features that this processor has, from 1, or one more than there are.
///
/// It is found once. Threads that find it at the same time write the same number, so relaxed accesses suffice.
private func emitNumber(_ prefix: String, _ lists: [Set<X86Feature>], _ emitter: FunctionEmitter) -> LLVMValueRef {
  let (target, builder) = (emitter.target, emitter.builder)
  guard let memory = LLVMAddGlobal(target.module, target.i32, "\(prefix).processor"),
    let known = LLVMBuildLoad2(builder, target.i32, memory, "")
  else { fatalError("global") }
  LLVMSetInitializer(memory, target.int(0, target.i32))
  LLVMSetLinkage(memory, LLVMInternalLinkage)
  let (unknown, chosen) = (emitter.block("unknown"), emitter.block("chosen"))
  LLVMBuildCondBr(builder, emitter.isNonzero(known), chosen, unknown)
  emitter.moveTo(unknown)
  let detection = emitDetection(prefix, lists, in: target)
  let found = emitter.call(detection.type, detection.function, [])
  let store = LLVMBuildStore(builder, found, memory)
  for access in [known, store] {
    LLVMSetOrdering(access, LLVMAtomicOrderingMonotonic)
    LLVMSetAlignment(access, 4)
  }
  LLVMBuildBr(builder, chosen)
  emitter.moveTo(chosen)
  return emitter.join([(known, emitter.entryBlock), (found, unknown)])
}

/// The function that asks the processor for the number.
private func emitDetection(_ prefix: String, _ lists: [Set<X86Feature>], in target: ModuleContext) -> EmittedFunction {
  let result = target.addFunction("\(prefix).find_processor", target.i32, [], internal: true)
  target.add(target.attribute("noinline"), to: result.function)
  let emitter = FunctionEmitter(target, function: result.function, returnsStatus: false)
  let builder = emitter.builder
  var processor = ProcessorQuery(emitter)
  let state = processor.savedState()
  var found = target.int(lists.count + 1, target.i32)
  for (index, features) in lists.enumerated().reversed() {
    var isThere = target.int(1, target.i1)
    func require(_ mask: Int, of word: LLVMValueRef) {
      let bits = LLVMBuildAnd(builder, word, target.int(mask, target.i32), "")
      let hasAll = LLVMBuildICmp(builder, LLVMIntEQ, bits, target.int(mask, target.i32), "")
      isThere = LLVMBuildAnd(builder, isThere, hasAll, "")
    }
    for word in processor.words(lists) {
      let mask = features.reduce(0) { $1.word == word ? $0 | 1 << $1.bit : $0 }
      if mask != 0 { require(mask, of: processor.read(word)) }
    }
    require(features.reduce(0) { $0 | $1.state.rawValue }, of: state)
    if features.contains(where: { $0.state == .tiles }) {
      isThere = processor.mayUseTiles(ifThere: isThere)
    }
    found = LLVMBuildSelect(builder, isThere, target.int(index + 1, target.i32), found, "")
  }
  LLVMBuildRet(builder, found)
  return result
}

/// Emits questions to the processor.
private struct ProcessorQuery {
  private let emitter: FunctionEmitter
  private var leaves: [[Int]: LLVMValueRef] = [:]

  init(_ emitter: FunctionEmitter) { self.emitter = emitter }

  /// The words that some list needs, in order.
  func words(_ lists: [Set<X86Feature>]) -> [X86Feature.Word] {
    Set(lists.joined().map(\.word)).sorted {
      ($0.leaf, $0.subleaf, $0.register.rawValue) < ($1.leaf, $1.subleaf, $1.register.rawValue)
    }
  }

  /// One register of a leaf; 0 where the processor does not have the leaf.
  mutating func read(_ word: X86Feature.Word) -> LLVMValueRef {
    let target = emitter.target
    let first = word.leaf & 0x8000_0000
    let last = ask(first, 0, .eax)
    let isThere = LLVMBuildICmp(emitter.builder, LLVMIntUGE, last, target.int(word.leaf, target.i32), "")
    // A missing subleaf of a leaf that is there reads as 0.
    let value = ask(word.leaf, word.subleaf, word.register)
    return LLVMBuildSelect(emitter.builder, isThere, value, target.int(0, target.i32), "")
  }

  /// The low half of XCR0, which says what registers the system saves; 0 where it cannot be read.
  mutating func savedState() -> LLVMValueRef {
    let (target, builder) = (emitter.target, emitter.builder)
    let bits = ask(1, 0, .ecx)
    let isReadable = emitter.isNonzero(LLVMBuildAnd(builder, bits, target.int(1 << 27, target.i32), ""))
    let before: LLVMBasicBlockRef = LLVMGetInsertBlock(builder)
    let (reading, after) = (emitter.block("xgetbv"), emitter.block("saved"))
    LLVMBuildCondBr(builder, isReadable, reading, after)
    emitter.moveTo(reading)
    let read = assembly("xgetbv", "={ax},={dx},{cx}", results: 2, [target.int(0, target.i32)])
    let low: LLVMValueRef = LLVMBuildExtractValue(builder, read, 0, "")
    LLVMBuildBr(builder, after)
    emitter.moveTo(after)
    return emitter.join([(target.int(0, target.i32), before), (low, reading)])
  }

  /// Whether the system lets this process use tile registers, for which Linux wants to be asked once; 0 if they are not there.
  mutating func mayUseTiles(ifThere isThere: LLVMValueRef) -> LLVMValueRef {
    let (target, builder) = (emitter.target, emitter.builder)
    guard target.options.triple.contains("linux") else { return isThere }
    let before: LLVMBasicBlockRef = LLVMGetInsertBlock(builder)
    let (asking, after) = (emitter.block("tiles"), emitter.block("asked"))
    LLVMBuildCondBr(builder, isThere, asking, after)
    emitter.moveTo(asking)
    // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)
    let answer = assembly(
      "syscall", "={ax},={cx},={r11},{ax},{di},{si},~{memory}", results: 3,
      [158, 0x1023, 18].map { target.int($0, target.i64) }, of: target.i64)
    let failure: LLVMValueRef = LLVMBuildExtractValue(builder, answer, 0, "")
    let success = LLVMBuildICmp(builder, LLVMIntEQ, failure, target.int(0, target.i64), "")
    let granted: LLVMValueRef = LLVMBuildZExt(builder, success, target.i32, "")
    LLVMBuildBr(builder, after)
    emitter.moveTo(after)
    return emitter.isNonzero(emitter.join([(target.int(0, target.i32), before), (granted, asking)]))
  }

  private mutating func ask(_ leaf: Int, _ subleaf: Int, _ register: X86Feature.Register) -> LLVMValueRef {
    let target = emitter.target
    let answer = leaves[[leaf, subleaf]]
      ?? assembly(
        "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}", results: X86Feature.Register.allCases.count,
        [target.int(leaf, target.i32), target.int(subleaf, target.i32)])
    leaves[[leaf, subleaf]] = answer
    return LLVMBuildExtractValue(emitter.builder, answer, register.rawValue, "")
  }

  private func assembly(
    _ text: String, _ constraints: String, results: Int, _ arguments: [LLVMValueRef], of type: LLVMTypeRef? = nil
  ) -> LLVMValueRef {
    let target = emitter.target
    var fields: [LLVMTypeRef?] = Array(repeating: type ?? target.i32, count: results)
    guard let result = LLVMStructTypeInContext(target.context, &fields, UInt32(results), 0) else { fatalError(text) }
    return emitter.assembly(text, constraints, arguments, result: result)
  }
}

extension FunctionEmitter {
  /// The 32-bit value that belongs to the block from which this one was reached.
  fileprivate func join(_ values: [(value: LLVMValueRef, block: LLVMBasicBlockRef)]) -> LLVMValueRef {
    guard let result = LLVMBuildPhi(builder, target.i32, "") else { fatalError("phi") }
    var incoming: [LLVMValueRef?] = values.map(\.value)
    var blocks: [LLVMBasicBlockRef?] = values.map(\.block)
    LLVMAddIncoming(result, &incoming, &blocks, UInt32(values.count))
    return result
  }
}
