public import LoopIR
import Support

/// The C header of a compiled model.
public func emitHeader(_ program: Program, _ interface: Interface) -> String {
  let prefix = interface.prefix
  let guardName = prefix.uppercased() + "_H"
  var lines = ["/* Interface of the compiled model '\(comment(prefix))'."]
  lines += program.comments.map { " * " + comment($0) }
  lines += [" */", "#ifndef \(guardName)", "#define \(guardName)", ""]
  lines += ["#include <stddef.h>", "#include <stdint.h>", ""]
  lines += ["#ifdef __cplusplus", "extern \"C\" {", "#endif", "", descriptorDeclarations, ""]
  lines += macros(interface, program) + [""]
  lines += program.externals.flatMap(declaration)
  lines += prototypes(interface, program) + [""]
  lines += ["#ifdef __cplusplus", "}", "#endif", "", "#endif", ""]
  return lines.joined(separator: "\n")
}

extension Interface {
  /// The parameters of the model's entry as C declares them.
  public var parameters: [String] {
    ["void *arena"] + symbols.map { "int64_t \($0)" }
      + inputs.map { "const \($0.port.element.cType) *\($0.identifier)" }
      + outputs.map { "\($0.port.element.cType) *\($0.port.memory == .acquired ? "*" : "")\($0.identifier)" }
      + measuredOutputs.map { "int64_t *\($0.dimsIdentifier)" }
      + (acquiresMemory ? ["const onnxc_memory *memory"] : [])
      + (isDivided ? ["const onnxc_parallel *parallel"] : [])
  }

  /// The outputs whose extents a call reports.
  public var measuredOutputs: [InterfaceTensor] { outputs.filter { $0.port.memory != .exact } }

  /// Whether every output has a fixed size.
  public var hasFixedOutputs: Bool { outputs.allSatisfy { $0.bytes != nil } }

  /// The parameters of the function that gives the size of the arena.
  public var arenaParameters: String { symbols.map { "int64_t \($0)" }.joined(separator: ", ") }
}

/// Text that cannot end or nest a comment.
func comment(_ text: String) -> String {
  var result = ""
  for character in text {
    if character == "/", result.hasSuffix("*") { result += " " }
    if character == "*", result.hasSuffix("/") { result += " " }
    result.append(character.isNewline ? " " : character)
  }
  return result
}

private func macros(_ interface: Interface, _ program: Program) -> [String] {
  let upper = interface.prefix.uppercased()
  var lines: [String] = []
  if let bytes = interface.arenaBytes {
    lines.append("#define \(upper)_ARENA_BYTES \(bytes)")
  }
  lines.append("#define \(upper)_ARENA_ALIGN \(Interface.arenaAlign)")
  for tensor in interface.inputs + interface.outputs {
    let name = "\(upper)_\(tensor.identifier.uppercased())"
    lines.append("")
    lines.append("#define \(name)_RANK \(tensor.dims.count)")
    for (axis, dim) in tensor.dims.enumerated() {
      if let dim { lines.append("#define \(name)_DIM\(axis) \(dim)") }
    }
    if case .upTo(let count) = tensor.port.memory, let count = count.integerValue {
      lines.append("#define \(name)_CAPACITY \(count)")
    }
    if let count = tensor.count, let bytes = tensor.bytes {
      lines.append("#define \(name)_COUNT \(count)")
      lines.append("#define \(name)_BYTES \(bytes)")
    }
    if let input = tensor.port.updates {
      lines.append("#define \(name)_MAY_BE_\(interface.inputs[input].identifier.uppercased()) 1")
    }
  }
  return lines
}

/// The declaration of a function that the program supplies or links.
private func declaration(_ function: ExternalFunction) -> [String] {
  var identifiers = Identifiers()
  let parameters = function.parameters.map { parameter in
    (parameter.pointerType ?? "\(parameter.element.cType) ") + identifiers.make(parameter.name, fallback: "value")
  }
  let lines: [String]
  switch function.provider {
  case .user:
    lines = [
      "/* For the program to define: \(comment(function.documentation))",
      " * Called by the model with tensors in row-major order and their dimensions; what the model leaves out is NULL.",
      " * Returns 0, or anything else to end the run with status \(function.provider.failure.rawValue). */",
    ]
  case .images:
    lines = ["/* Defined by Runtime/images, which the program links: \(comment(function.documentation)) */"]
  }
  return lines + ["int \(function.name)(\(parameters.joined(separator: ", ")));", ""]
}

extension ExternalFunction.Parameter {
  /// The pointer that C passes; nil for values.
  public var pointerType: String? {
    switch kind {
    case .input: "const \(element.cType) *"
    case .output: "\(element.cType) *"
    case .text: "const char *"
    case .value: nil
    }
  }
}

private func prototypes(_ interface: Interface, _ program: Program) -> [String] {
  let prefix = interface.prefix
  var lines = ["/* Runs the model once and returns 0 or a status for onnxc_strerror.", " *"]
  let size = interface.arenaBytes.map { "\($0) bytes" } ?? "\(prefix)_arena_bytes bytes"
  lines.append(" * arena: working memory of \(size), aligned to \(Interface.arenaAlign)")
  for (name, symbol) in zip(interface.symbols, program.symbols) {
    lines.append(" * \(name): dimension '\(comment(symbol))'")
  }
  for (tensors, role) in [(interface.inputs, "in"), (interface.outputs, "out")] {
    for tensor in tensors {
      let shape = tensor.port.extents.map(\.text).joined(separator: ", ")
      let note = tensor.port.element.cTypeNote
      var line = " * \(tensor.identifier) (\(role)): \(tensor.port.element) [\(comment(shape))]"
      if tensor.identifier != tensor.port.name { line += " '\(comment(tensor.port.name))'" }
      if !note.isEmpty { line += "; \(note)" }
      switch tensor.port.memory {
      case .exact: break
      case .upTo: line += "; the call sets its extents"
      case .acquired: line += "; the call allocates it and sets its extents"
      }
      if let input = tensor.port.updates { line += "; may be \(interface.inputs[input].identifier)" }
      if !tensor.port.documentation.isEmpty { line += "; \(comment(tensor.port.documentation))" }
      lines.append(line)
    }
  }
  if interface.outputs.contains(where: { $0.port.updates != nil }) {
    lines.append(" * An output that may be an input updates it in place where both pointers are the same;")
    lines.append(" * a run that fails leaves it undefined. Other memory does not overlap.")
  }
  if interface.isDivided {
    lines.append(" * parallel: runs up to \(interface.parts) parts at the same time; NULL runs them one after the other")
  }
  lines.append(" */")
  lines.append("int \(prefix)_run(\(interface.parameters.joined(separator: ", ")));")
  if !interface.symbols.isEmpty {
    lines += ["", "/* Size of the arena for these dimensions. */"]
    lines.append("uint64_t \(prefix)_arena_bytes(\(interface.arenaParameters));")
  }
  if !interface.hasFixedOutputs {
    lines += ["", "/* Bytes to provide for an output by its position; 0 for one that the call allocates. */"]
    let parameters = ["uint32_t output"] + interface.symbols.map { "int64_t \($0)" }
    lines.append("uint64_t \(prefix)_output_bytes(\(parameters.joined(separator: ", ")));")
  }
  lines += ["", "/* The model's description for generic hosts. */"]
  lines.append("const onnxc_model *\(prefix)_model(void);")
  return lines
}

/// Declarations that all generated headers share.
private let descriptorDeclarations = """
  #ifndef ONNXC_MODEL_H
  #define ONNXC_MODEL_H

  /* One input or output of a model. */
  typedef struct onnxc_tensor {
    const char *name;    /* as the model spells it */
    int32_t element;     /* number of ONNX TensorProto.DataType */
    int32_t rank;
    const int64_t *dims; /* -1 where the dimension is not fixed */
    uint64_t bytes;      /* 0 if a dimension is not fixed */
  } onnxc_tensor;

  /* Where calls find memory for what has no bound; unused by most models. */
  typedef struct onnxc_memory {
    /* Gives memory aligned to 64 bytes that stays valid until the results are used, or NULL. */
    void *(*allocate)(void *context, uint64_t bytes);
    void *context;
  } onnxc_memory;

  /* Runs parts of a computation at the same time; unused by models compiled for one thread. */
  typedef struct onnxc_parallel {
    /* Calls task(arguments, part) once for every part below parts, and returns when all calls have. */
    void (*run)(void *context, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts);
    void *context;
  } onnxc_parallel;

  /* A compiled model, for hosts that do not know its signature. */
  typedef struct onnxc_model {
    uint32_t abi_version; /* 3 */
    const char *name;
    const char *hash;
    uint32_t input_count;
    uint32_t output_count;
    const onnxc_tensor *inputs;
    const onnxc_tensor *outputs;
    uint32_t symbol_count;
    const char *const *symbols; /* names of the symbolic dimensions */
    uint64_t arena_bytes;       /* 0 if it depends on symbols */
    uint64_t arena_align;
    uint64_t (*arena_size)(const int64_t *symbols);
    /* Bytes to provide for an output; 0 for one that the call allocates. */
    uint64_t (*output_size)(uint32_t output, const int64_t *symbols);
    /* Sets the extents of all outputs, one output after the other, in output_dims; allocated outputs appear in outputs. */
    int (*run)(void *arena, const void *const *inputs, void **outputs, const int64_t *symbols, int64_t *output_dims,
               const onnxc_memory *memory, const onnxc_parallel *parallel);
  } onnxc_model;

  /* The meaning of a status code. */
  const char *onnxc_strerror(int status);

  #endif
  """
