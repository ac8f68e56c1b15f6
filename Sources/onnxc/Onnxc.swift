import ArgumentParser
import CSystem
import Glibc
import Support

/// The command line: `onnxc model.onnx -o model.o` and the commands around it.
@main
struct Onnxc: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnxc", abstract: "Compiles ONNX models to machine code.", version: "0.1.0",
    subcommands: [
      CompileCommand.self, CheckCommand.self, InspectCommand.self, RunCommand.self, VerifyCommand.self,
      BenchCommand.self, OpsCommand.self,
    ],
    defaultSubcommand: CompileCommand.self)

  /// Runs a command and ends with 0 when done, 1 for wrong usage, 2 for a wrong model, 3 for an unsupported one, 4 for a
  /// fault of the compiler.
  static func main() {
    csystem_exit_on_faults()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      StandardError.print(failure.message)
      Glibc.exit(failure.code)
    } catch {
      let text = fullMessage(for: error)
      if exitCode(for: error).isSuccess {
        print(text)
        Glibc.exit(0)
      }
      if !text.isEmpty { StandardError.print(text) }
      Glibc.exit(1)
    }
  }
}
