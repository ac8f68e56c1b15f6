import EmitHeader
import EmitLLVM
import LoopIR
import Schedule
import Support
import Tuning

/// The programs of a model, one for each processor that code is asked for, the richest first.
struct LoweredModel {
  struct Variant {
    var processor: Processor
    var program: Program
    /// What was measured of the choices in the program.
    var measured: [ChoiceKey: Choice]
  }

  var variants: [Variant] = []
  /// The groups of a program that is measured.
  var groups: [Group] = []
  /// The choices that there were for the richest processor.
  var questions: [Question] = []
  private var reports: [MemoryReport] = []

  /// Adds a program for a processor.
  mutating func add(
    _ program: Program, _ memory: MemoryReport, for processor: Processor, measured: [ChoiceKey: Choice]
  ) {
    variants.append(Variant(processor: processor, program: program, measured: measured))
    reports.append(memory)
  }

  /// The program for the richest processor, with the ports of all.
  var program: Program { variants[0].program }

  /// What all programs export.
  var interface: EmitHeader.Interface {
    get throws(ModelError) { try EmitHeader.Interface(variants.map(\.program)) }
  }

  /// What the code generator makes one module of.
  var code: [ProgramVariant] {
    variants.map { variant in
      let processor = variant.processor
      var code = ProgramVariant(name: processor.name, program: variant.program, options: processor.codegen)
      code.asked = processor.asked
      return code
    }
  }

  /// The same for this process: a single program may use all that this machine has.
  var hostCode: [ProgramVariant] {
    guard variants.count == 1 else { return code }
    return [ProgramVariant(name: "", program: program, options: .host())]
  }

  /// What the model needs of memory on the most demanding processor, with the constants of all.
  var memory: MemoryReport {
    var report = reports.max { $0.arena < $1.arena } ?? reports[0]
    if variants.count > 1 {
      report.processors = variants.map(\.processor.name)
      report.constants = Set(variants.flatMap { $0.program.constants.map(\.bytes) }).reduce(0) { $0 + $1.count }
    }
    return report
  }
}
