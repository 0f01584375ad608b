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

        /// The requests that these take back: the last one of a pause and a resume counts.
        var opposites: Kinds {
            var opposites: Kinds = []
            if contains(.pause) { opposites.insert(.resume) }
            if contains(.resume) { opposites.insert(.pause) }
            return opposites
        }
    }

    /// The bits of `state`.
    private enum State {
        static let stopAsked: UInt32 = 1
        /// The session ends, and threads of the plugin that it waits for are to see a stop.
        static let isStopping: UInt32 = 2
        static let isInterrupting: UInt32 = 4
        static let hasInterrupted: UInt32 = 8
    }

    private let granted = Atomic<UInt64>(0)
    private let state: WaitFlags
    private let kinds = Atomic<UInt32>(0)

    /// Makes no requests.
    init() { state = WaitFlags() }

    /// Makes no requests, with a part of them in that memory: `WaitFlags.size` bytes, which must outlive them.
    init(at memory: UnsafeMutableRawPointer) { state = unsafe WaitFlags(at: memory) }

    /// Whether no request is waiting.
    @inline(__always)
    var isEmpty: Bool { kinds.load(ordering: .relaxed) == 0 }

    /// Whether the session was asked to stop.
    var isStopAsked: Bool {
        kinds.load(ordering: .relaxed) & Kinds.stop.rawValue != 0 || Self.isStop(state.bits)
    }

    private static func isStop(_ bits: UInt32) -> Bool { bits & (State.stopAsked | State.isStopping) != 0 }

    /// Resets everything for a new session, which starts with the requests `asked`.
    func begin(_ asked: Kinds) {
        kinds.store(asked.rawValue, ordering: .relaxed)
        state.set(to: 0)
    }

    /// Makes a request.
    func ask(_ kind: Kinds) {
        var before = kinds.load(ordering: .relaxed)
        while true {
            let (isDone, found) = kinds.compareExchange(
                expected: before, desired: before & ~kind.opposites.rawValue | kind.rawValue,
                ordering: .sequentiallyConsistent)
            if isDone { break }
            before = found
        }
        if kind.contains(.stop) {
            state.change(setting: State.stopAsked)
            state.wakeAll()
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
    func sleep(until deadline: MonotonicTime) -> Bool { state.wait(until: deadline, for: Self.isStop) }

    // MARK: - The end of a session

    /// Calls `interruption` if the session was asked to stop and `isRunning` returns true; at most once a session.
    func interrupt(if isRunning: () -> Bool, _ interruption: () -> Void) {
        let isAsked = state.change(setting: State.isInterrupting) { bits in
            bits & State.stopAsked != 0 && bits & (State.isInterrupting | State.hasInterrupted) == 0
        }
        guard isAsked else { return }
        // First the bit, then the look, and `waitForInterruption` the other way round: so either it waits for this
        // interruption, or no cycle is found running here.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        let isDue = isRunning()
        if isDue { interruption() }
        state.change(setting: isDue ? State.hasInterrupted : 0, clearing: State.isInterrupting)
        state.wakeAll()
    }

    /// Waits until an interruption in progress has returned, since it may use what the plugin's `stop` releases. The caller
    /// has noted before that no cycle is running.
    func waitForInterruption() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        _ = state.wait(until: .never) { $0 & State.isInterrupting == 0 }
    }

    /// Runs `body`, which waits for threads of the plugin, while these threads see a stop request and do not sleep.
    func stopping(_ body: () -> Void) {
        state.change(setting: State.isStopping)
        state.wakeAll()
        body()
        state.change(clearing: State.isStopping)
    }
}
