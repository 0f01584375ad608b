internal import HostSystem
internal import HostWire
internal import Synchronization

/// What a plugin says that is tried in this process, until it is taken. Any thread.
final class TrialEvents: EventSink {
    private struct State {
        var waiting: [WorkerEvent] = []
        var dropped = 0
    }

    /// Events that wait from which log lines are dropped: a callback may log without end before anybody can take them.
    private static let most = 100_000

    // Not a Mutex: ThreadSanitizer knows the lock of pthreads, and would take what that of Swift guards for a race.
    private let state = Monitor(State())
    /// Whether there is something to take: most turns say nothing, and need no lock for that.
    private let isEmpty = Atomic<Bool>(true)
    private let ring: @Sendable () -> Void

    /// `ring` is called, on any thread, when the first event comes.
    init(ring: @escaping @Sendable () -> Void) { self.ring = ring }

    func send(_ event: WorkerEvent) {
        state.withLock { $0.waiting.append(event) }
        tell()
    }

    func log(_ log: WorkerEvent.Log) {
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.most else {
                state.dropped += 1
                return false
            }
            state.waiting.append(.log(log))
            return true
        }
        if isTaken { tell() }
    }

    private func tell() {
        if isEmpty.exchange(false, ordering: .acquiringAndReleasing) { ring() }
    }

    /// What was said since the last call, in order.
    func take() -> [WorkerEvent] {
        if isEmpty.load(ordering: .acquiring) { return [] }
        isEmpty.store(true, ordering: .sequentiallyConsistent)
        return state.withLock { state in
            defer { state = State() }
            return state.dropped == 0 ? state.waiting : state.waiting + [.dropped(count: state.dropped)]
        }
    }
}
