import Foundation
import Testing

@testable import Operators

@Suite struct RegistryTests {
  /// The texts of all files that define operators.
  private func sources() throws -> [String] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Operators").standardizedFileURL
    let names = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
    return try names.filter { $0.hasSuffix(".swift") && !$0.hasSuffix("Registry.swift") }
      .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
  }

  @Test func everyOperatorTypeIsRegistered() throws {
    let registered = Set(Registry.all.map { String(describing: type(of: $0)) })
    var count = 0
    for match in try sources().flatMap({ $0.matches(of: /struct (\w+): Operator\b/).map { String($0.1) } }) {
      count += 1
      #expect(registered.contains(match), "\(match) is not in the registry")
    }
    #expect(count > 50)
  }

  @Test func everyTableOfOperatorsIsRegistered() throws {
    let registry = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Operators/Registry.swift").standardizedFileURL
    let lines = try String(contentsOf: registry, encoding: .utf8).split(separator: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }
    for table in try sources().flatMap({ $0.matches(of: /\nlet (\w+): \[any Operator\]/).map { String($0.1) } }) {
      #expect(lines.contains(table + ","), "\(table) is not in the registry")
    }
  }

  @Test func namesAreUnique() {
    let names = Registry.all.map { "\($0.name.domain)::\($0.name.name)" }
    #expect(Set(names).count == names.count)
  }

  @Test func versionsRise() {
    for name in Registry.all.map(\.name) {
      #expect(!name.versions.isEmpty && zip(name.versions, name.versions.dropFirst()).allSatisfy { $0 < $1 }, "\(name)")
    }
  }
}
