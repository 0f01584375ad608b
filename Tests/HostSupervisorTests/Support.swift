import HostSystem
import HostTestKit
import HostValues
import Synchronization

@testable import HostSupervisor

/// A clock that stands until a test moves it: all three of its times begin at one hour.
final class TestClock: HostClock {
    private let time = Mutex<Int64>(3_600_000_000_000)

    func boot() -> BootTime { BootTime(nanoseconds: time.withLock { $0 }) }
    func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: time.withLock { $0 }) }
    func wall() -> WallTime { 1_764_000_000_000_000_000 + time.withLock { $0 } }

    /// Moves it on.
    func advance(_ nanoseconds: Int64) { time.withLock { $0 += nanoseconds } }
    /// Moves it on.
    func advance(seconds: Int64) { advance(seconds * 1_000_000_000) }
}

/// What a component has said, in memory.
final class MemoryLog: LogSink {
    struct Entry: Equatable {
        var level: LogLevel
        var subject: String
        var text: String
    }

    private(set) var entries: [Entry] = []
    var footer = ""

    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?) {
        entries.append(Entry(level: level, subject: subject, text: text))
    }

    /// The texts of that level, and what was said is forgotten.
    func take(_ level: LogLevel) -> [String] {
        defer { entries = [] }
        return entries.filter { $0.level == level }.map(\.text)
    }
}

extension Deadlines {
    /// Calls the handlers whose time has come, one after the other, as the clock is moved on by so much.
    func run(_ clock: TestClock, for nanoseconds: Int64) {
        let end = clock.monotonic() + nanoseconds
        while earliest <= end {
            clock.advance(max(0, earliest - clock.monotonic()))
            settle(now: clock.monotonic())
        }
        clock.advance(end - clock.monotonic())
    }
}
