import Glibc
import HostSystem
import HostValues

/// Measures how late this machine makes a thread of another process that sleeps 2 ms: what a routine cannot be blamed
/// for. There is one on each processor, and it stays there: a timer fires on the processor where its thread went to
/// sleep, so a thread on another one knows nothing of a processor that its hypervisor took away, or that its kernel kept
/// for itself.
final class Canary: Sendable {
    /// What one of the threads saw.
    private struct State {
        var longest: Int64 = 0
        /// Steps that took over 5 ms, boot ns.
        var gaps: [Range<Int64>] = []
        var isOver = false
    }

    private let states: [Monitor<State>]

    init() throws {
        states = try Self.processors().map { processor in
            let state = Monitor(State())
            try Thread.start(name: "canary") {
                Self.stay(on: processor)
                let clock = SystemClock()
                var last = clock.boot().nanoseconds
                while true {
                    usleep(2000)
                    let now = clock.boot().nanoseconds
                    let isOver = state.withLock { state in
                        state.longest = max(state.longest, now - last)
                        if now - last > 5_000_000 { state.gaps.append(last..<now) }
                        return state.isOver
                    }
                    if isOver { return }
                    last = now
                }
            }
            return state
        }
    }

    deinit { for state in states { state.withLock { $0.isOver = true } } }

    /// `sched_getaffinity(2)` and `sched_setaffinity(2)`, which Swift's Glibc leaves out.
    private typealias GetAffinity = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt8>) -> Int32
    private typealias SetAffinity = @convention(c) (pid_t, Int, UnsafePointer<UInt8>) -> Int32

    private static func function<Function>(_ name: String, as type: Function.Type) -> Function {
        unsafe unsafeBitCast(dlsym(nil, name), to: type)
    }

    /// The processors that this process may use.
    private static func processors() -> [Int] {
        var set = [UInt8](repeating: 0, count: 128)
        let result = unsafe function("sched_getaffinity", as: GetAffinity.self)(0, set.count, &set)
        return result == 0 ? (0..<set.count * 8).filter { set[$0 / 8] & 1 << ($0 % 8) != 0 } : [0]
    }

    /// Binds the calling thread; where that is refused it goes where it likes.
    private static func stay(on processor: Int) {
        var set = [UInt8](repeating: 0, count: 128)
        set[processor / 8] |= 1 << (processor % 8)
        _ = unsafe function("sched_setaffinity", as: SetAffinity.self)(0, set.count, set)
    }

    private func most<Value: Comparable>(_ value: (borrowing State) -> Value) -> Value? {
        states.map { $0.withLock { value($0) } }.max()
    }

    /// The longest time between two steps on one processor, ms.
    var longestMs: Double { Double(most { $0.longest } ?? 0) / 1e6 }

    /// How often an interval of that length fits into the steps that took longer than it, ms: on all processors, since a
    /// routine may have been on any of them.
    func late(over interval: Int64) -> UInt64 {
        states.reduce(0) { sum, state in
            state.withLock { state in
                let times = state.gaps.map { ($0.upperBound - $0.lowerBound) / 1_000_000 }.filter { $0 >= interval }
                return times.reduce(sum) { $0 + UInt64($1 / interval) }
            }
        }
    }

    /// The longest of the steps that lie in or reach into that time, boot ms; 0 when none took over 5 ms.
    func longestMs(from start: Double, to end: Double) -> Double {
        let time = Int64(start * 1e6)..<Int64(end * 1e6)
        return most { state in
            Double(state.gaps.filter { $0.overlaps(time) }.map { $0.upperBound - $0.lowerBound }.max() ?? 0) / 1e6
        } ?? 0
    }
}
