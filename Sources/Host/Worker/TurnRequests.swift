internal import HostSystem
internal import HostValues
internal import Synchronization

/// Requests of other threads to the thread that has a routine's turn, and the waits that belong to them.
///
/// A request is a bit that the turn consumes. A stop is also kept as a state, which the plugin can query or sleep on
/// from any of its threads. The plugin's `interrupt` is called at most once a session, outside of the turn, and `stop`
/// waits until it has returned.
struct TurnRequests: ~Copyable, Sendable {
    /// The kinds of requests, which are seen at the next turn or cycle.
    struct Kinds: OptionSet {
        let rawValue: UInt32
        static let stop = Kinds(rawValue: 1)
        static let runNow = Kinds(rawValue: 2)
        static let pause = Kinds(rawValue: 4)
        static let resume = Kinds(rawValue: 8)
        static let look = Kinds(rawValue: 16)
        static let go = Kinds(rawValue: 32)
    }

    private struct Gate {
        var stopAsked = false
        var isInterrupting = false
        var hasInterrupted = false
    }

    private let kinds = Atomic<UInt32>(0)
    private let gate = Monitor(Gate())
    private let granted = Atomic<UInt64>(0)

    /// Whether no request is waiting.
    @inline(__always)
    var isEmpty: Bool { kinds.load(ordering: .relaxed) == 0 }

    /// Whether the session was asked to stop.
    var isStopAsked: Bool {
        kinds.load(ordering: .relaxed) & Kinds.stop.rawValue != 0 || gate.withLock { $0.stopAsked }
    }

    /// Resets everything for a new session, which starts with the requests `asked`.
    func begin(_ asked: Kinds) {
        kinds.store(asked.rawValue, ordering: .relaxed)
        gate.withLock { $0 = Gate() }
    }

    /// Makes a request.
    func ask(_ kind: Kinds) {
        _ = kinds.bitwiseOr(kind.rawValue, ordering: .sequentiallyConsistent)
        if kind.contains(.stop) {
            gate.withLock { $0.stopAsked = true }
            gate.broadcast()
        }
    }

    /// Passes on the host's grant of the cycle request with that number.
    func grant(_ number: UInt64) {
        granted.store(number, ordering: .relaxed)
        ask(.go)
    }

    /// The number of the cycle request that was granted last.
    var grantedNumber: UInt64 { granted.load(ordering: .relaxed) }

    /// Takes the requests made since the last call.
    func take() -> Kinds {
        Kinds(rawValue: kinds.exchange(0, ordering: .sequentiallyConsistent))
    }

    /// Sleeps until `deadline`; returns true as soon as a stop is requested.
    func sleep(until deadline: MonotonicTime) -> Bool {
        gate.wait(until: deadline) { gate in gate.stopAsked ? true : nil } ?? false
    }

    // MARK: - The end of a session

    /// Calls `interruption` if the session was asked to stop and `isRunning` returns true; at most once a session.
    func interrupt(if isRunning: () -> Bool, _ interruption: () -> Void) {
        let isDue = gate.withLock { gate in
            guard gate.stopAsked, !gate.hasInterrupted, isRunning() else { return false }
            gate.hasInterrupted = true
            gate.isInterrupting = true
            return true
        }
        guard isDue else { return }
        interruption()
        gate.withLock { $0.isInterrupting = false }
        gate.broadcast()
    }

    /// Waits until an interruption in progress has returned, since it may use what the plugin's `stop` releases.
    func waitForInterruption() {
        gate.wait { gate in gate.isInterrupting ? nil : () }
    }

    /// Runs `body`, which waits for threads of the plugin, while these threads see a stop request and do not sleep.
    func stopping(_ body: () -> Void) {
        let wasAsked = gate.withLock { gate in
            defer { gate.stopAsked = true }
            return gate.stopAsked
        }
        gate.broadcast()
        body()
        if wasAsked { return }
        gate.withLock { gate in
            gate.stopAsked = kinds.load(ordering: .sequentiallyConsistent) & Kinds.stop.rawValue != 0
        }
    }
}
