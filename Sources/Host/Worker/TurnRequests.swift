internal import HostSystem
internal import HostValues
internal import Synchronization

/// What other threads ask of the one that has a routine's turn, and what they wait for with it.
///
/// A request is a bit that the turn takes when it sees it. A stop is a state too, which the plugin may ask for or sleep on,
/// on any of its threads. `interrupt` comes once a session, from outside of the turn, and `stop` waits until it is over.
struct TurnRequests: ~Copyable, Sendable {
    /// What is asked for, to be seen at the next turn or cycle.
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

    /// Whether something waits to be seen.
    @inline(__always)
    var isEmpty: Bool { kinds.load(ordering: .relaxed) == 0 }

    /// Whether the session was asked to stop.
    var isStopAsked: Bool {
        kinds.load(ordering: .relaxed) & Kinds.stop.rawValue != 0 || gate.withLock { $0.stopAsked }
    }

    /// A session begins, with what was asked for it.
    func begin(_ asked: Kinds) {
        kinds.store(asked.rawValue, ordering: .relaxed)
        gate.withLock { $0 = Gate() }
    }

    /// Asks for something.
    func ask(_ kind: Kinds) {
        _ = kinds.bitwiseOr(kind.rawValue, ordering: .sequentiallyConsistent)
        if kind.contains(.stop) {
            gate.withLock { $0.stopAsked = true }
            gate.broadcast()
        }
    }

    /// The host has let that wish for a cycle in.
    func grant(_ number: UInt64) {
        granted.store(number, ordering: .relaxed)
        ask(.go)
    }

    /// The wish that was let in last.
    var grantedNumber: UInt64 { granted.load(ordering: .relaxed) }

    /// What was asked for since the last call.
    func take() -> Kinds {
        Kinds(rawValue: kinds.exchange(0, ordering: .sequentiallyConsistent))
    }

    /// Sleeps until then; true at once when a stop is asked for.
    func sleep(until deadline: MonotonicTime) -> Bool {
        gate.wait(until: deadline) { gate in gate.stopAsked ? true : nil } ?? false
    }

    // MARK: - The end of a session

    /// Performs an interruption of what is in progress, if the session was asked to stop: once.
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

    /// Waits for an interruption in progress: it is in the plugin, and needs what `stop` takes away.
    func waitForInterruption() {
        gate.wait { gate in gate.isInterrupting ? nil : () }
    }

    /// While `body` waits for threads of the plugin's, they see a stop, and do not sleep.
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
