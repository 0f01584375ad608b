import HostTestKit
import HostValues
import Testing

@testable import HostWorker

/// When a call of a store is a hang.
@Suite struct CallDeadlineTests {
    private static let second: Int64 = 1_000_000_000
    private static let start: BootTime = 1_000_000_000_000

    private func hangs(_ call: inout CallDeadline, after duration: Int64) -> Bool {
        call.hangs(at: Self.start + duration)
    }

    @Test func `a call hangs 2 s after its timeout, when that was seen for a moment`() {
        var call = CallDeadline()
        #expect(!hangs(&call, after: 0) && !call.isCalling)
        call.begin(timeoutMs: 5000, at: Self.start)
        #expect(!hangs(&call, after: 7 * Self.second - 1) && call.isCalling)
        #expect(!hangs(&call, after: 60 * Self.second))
        #expect(!hangs(&call, after: 60 * Self.second + 399_999_999))
        #expect(hangs(&call, after: 60 * Self.second + 400_000_000))
    }

    @Test func `each call has a time of its own, also if nobody looks between two`() {
        var call = CallDeadline()
        call.begin(timeoutMs: 0, at: Self.start)
        #expect(!hangs(&call, after: 3 * Self.second))
        call.end()
        call.begin(timeoutMs: 0, at: Self.start + 3 * Self.second)
        #expect(!hangs(&call, after: 6 * Self.second))
        call.end()
        #expect(!hangs(&call, after: 9 * Self.second) && !call.isCalling)
    }
}
