import CLLVM
import Support

/// Large data that an object file has room for and that is written there afterwards: LLVM would copy it several times.
struct ReservedData {
  /// From how many bytes on data is reserved.
  static let threshold = 1 << 16

  /// By the names of local symbols.
  var data: [String: Bytes] = [:]

  /// Calls `write` with every piece of data that an object file refers to, and its place in the file.
  func place<Failure: Error>(
    in file: LLVMMemoryBufferRef, _ write: (Bytes, _ offset: Int) throws(Failure) -> Void
  ) throws(Failure) {
    if data.isEmpty { return }
    var message: UnsafeMutablePointer<CChar>?
    guard let binary = LLVMCreateBinary(file, nil, &message) else { fatalError("object: \(takeMessage(message))") }
    defer { LLVMDisposeBinary(binary) }
    var missing = Set(data.keys)
    let symbol = LLVMObjectFileCopySymbolIterator(binary)
    let section = LLVMObjectFileCopySectionIterator(binary)
    defer {
      LLVMDisposeSymbolIterator(symbol)
      LLVMDisposeSectionIterator(section)
    }
    while LLVMObjectFileIsSymbolIteratorAtEnd(binary, symbol) == 0 {
      if let name = LLVMGetSymbolName(symbol), let (name, bytes) = entry(ofSymbol: String(cString: name)) {
        missing.remove(name)
        LLVMMoveToContainingSection(section, symbol)
        guard let contents = LLVMGetSectionContents(section), let start = LLVMGetBufferStart(file) else {
          fatalError("a section without contents")
        }
        try write(bytes, contents - start + Int(LLVMGetSymbolAddress(symbol) - LLVMGetSectionAddress(section)))
      }
      LLVMMoveToNextSymbol(symbol)
    }
    guard missing.isEmpty else { fatalError("no place in the object for \(missing.sorted())") }
  }

  /// Some formats put an underscore before names.
  private func entry(ofSymbol symbol: String) -> (name: String, bytes: Bytes)? {
    let names = symbol.first == "_" ? [symbol, String(symbol.dropFirst())] : [symbol]
    return names.lazy.compactMap { name in data[name].map { (name, $0) } }.first
  }
}
