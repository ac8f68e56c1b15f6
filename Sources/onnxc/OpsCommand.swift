import ArgumentParser
import Driver

/// `onnxc ops`
struct OpsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops", abstract: "List the supported operators; --custom-ops of other commands gives further ones.")

  func run() { for line in Pipeline.operators { print(line) } }
}
