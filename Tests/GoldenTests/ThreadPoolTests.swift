import CThreads
import Testing

@Suite struct ThreadPoolTests {
  /// More threads than processors, so that shares are taken by others too, and fewer and more parts than threads.
  @Test(arguments: [1, 2, 3, 7] as [UInt32]) func everyPartIsComputedOnceInEveryRound(_ count: UInt32) throws {
    let threads = try #require(onnxc_threads_create(count))
    defer { onnxc_threads_destroy(threads) }
    let calls = UnsafeMutablePointer<UInt32>.allocate(capacity: 16)
    defer { calls.deallocate() }
    for round in 0..<4000 as Range<UInt32> {
      calls.initialize(repeating: 0, count: 16)
      let parts = round % 16
      onnxc_threads_run(
        UnsafeMutableRawPointer(threads),
        { arguments, part in arguments?.assumingMemoryBound(to: UInt32.self)[Int(part)] += part + 1 }, calls, parts)
      let expected = (0..<16 as Range<UInt32>).map { $0 < parts ? $0 + 1 : 0 }
      try #require(Array(UnsafeBufferPointer(start: calls, count: 16)) == expected)
    }
  }

  @Test(arguments: [0, 1025] as [UInt32]) func impossibleCountsAreRefused(_ count: UInt32) {
    #expect(onnxc_threads_create(count) == nil)
  }
}
