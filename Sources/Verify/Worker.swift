import Glibc
import Support

/// A child process that runs cases, one at a time, and survives none of their crashes.
struct Worker {
  /// The case being run, with the time when it started.
  var current: (index: Int, start: Double)?
  let process: pid_t
  let output: Int32
  let errors: Int32
  private let input: Int32
  private var line: [UInt8] = []
  private var messages: [UInt8] = []

  /// Starts this executable again with `arguments`.
  init(arguments: [String]) throws(FileError) {
    var ends = [Int32](repeating: -1, count: 6)
    for pair in 0..<3 {
      var made: [Int32] = [-1, -1]
      guard pipe(&made) == 0 else { throw .system("open", "pipe") }
      for end in 0..<2 {
        _ = fcntl(made[end], F_SETFD, FD_CLOEXEC)
        ends[2 * pair + end] = made[end]
      }
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[3], STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[5], STDERR_FILENO)
    var argv: [UnsafeMutablePointer<CChar>?] = (["onnxc"] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var id: pid_t = 0
    let failure = posix_spawn(&id, "/proc/self/exe", &actions, nil, &argv, environ)
    for end in [ends[0], ends[3], ends[5]] { close(end) }
    (process, input, output, errors) = (id, ends[1], ends[2], ends[4])
    guard failure == 0 else { throw FileError("cannot start a worker: \(String(cString: strerror(failure)))") }
  }

  /// Gives the worker a case to run.
  mutating func run(_ folder: String, index: Int) {
    current = (index, monotonicSeconds())
    let request = Array((folder + "\n").utf8)
    // A worker that is gone shows as the end of its output.
    _ = request.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
  }

  /// What the worker has said since it was last asked.
  enum Event {
    case nothing, ended
    case answer(String)
  }

  /// Reads what has arrived on `output`.
  mutating func readOutput() -> Event {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let got = read(output, &chunk, chunk.count)
    guard got > 0 else { return got < 0 && errno == EINTR ? .nothing : .ended }
    line += chunk[..<got]
    guard let end = line.firstIndex(of: 0x0a) else { return .nothing }
    let answer = String(decoding: line[..<end], as: UTF8.self)
    line.removeSubrange(...end)
    return .answer(answer)
  }

  /// Reads what has arrived on `errors`, keeping the end of it; whether more may come.
  mutating func readErrors() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 12)
    let got = read(errors, &chunk, chunk.count)
    guard got > 0 else { return got < 0 && errno == EINTR }
    messages = (messages + chunk[..<got]).suffix(1 << 12)
    return true
  }

  /// Ends the process, and says how it ended with its last words.
  mutating func finish(kill: Bool) -> String {
    if kill { Glibc.kill(process, SIGKILL) }
    close(input)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    while !kill, readErrors() {}
    close(output)
    close(errors)
    let signal = status & 0x7f
    let words = String(decoding: messages, as: UTF8.self).split(separator: "\n")
    let last = words.last { $0.contains("atal error") || $0.hasPrefix("SUMMARY") } ?? words.last ?? ""
    return (signal == 0 ? "exit \(status >> 8 & 0xff)" : "signal \(signal)") + (last.isEmpty ? "" : ": \(last)")
  }
}
