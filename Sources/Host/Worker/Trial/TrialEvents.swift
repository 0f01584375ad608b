internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// Buffers the events of a plugin that is tried in this process. Any thread may use it.
final class TrialEvents: EventSink {
    private struct State {
        var waiting: [TrialEvent] = []
        var dropped = 0
        /// The newest sessions of each slot, oldest first.
        var past: [Int: [EndedSession]] = [:]
    }

    /// The number of waiting events from which log lines are dropped, since a callback may log endlessly before the
    /// events are taken.
    private static let most = 100_000

    // Not a Mutex: ThreadSanitizer understands pthread locks, but reports false races for data guarded by Swift's
    // Mutex.
    private let state = Monitor(State())
    /// Whether no event is waiting. Most turns produce none, and need no lock to find that out.
    private let isEmpty = Atomic<Bool>(true)
    private let ring: @Sendable () -> Void

    /// `ring` is called, on any thread, when the first event arrives after a `take`.
    init(ring: @escaping @Sendable () -> Void) { self.ring = ring }

    func send(_ event: WorkerEvent) {
        switch event {
        case .ended(let ended):
            state.withLock { state in
                state.waiting.append(.ended(ended))
                let known = state.past[ended.slot] ?? []
                state.past[ended.slot] = known.suffix(EndedSession.most - 1) + [EndedSession(ended)]
            }
            tell()
        case .log(let line): log(line)
        case .dropped(let count):
            state.withLock { $0.dropped += count }
            tell()
        // A trial asks for none of these, and its one plugin has no store.
        case .described, .loaded, .refused, .wantsTurn, .turnOver, .wantsHistory, .wantsShared, .store, .goodbye: break
        }
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

    func past(ofSlot slot: Int) -> [EndedSession]? { state.withLock { ($0.past[slot] ?? []).reversed() } }

    private func tell() {
        if isEmpty.exchange(false, ordering: .acquiringAndReleasing) { ring() }
    }

    /// The events since the last call, in order.
    func take() -> [TrialEvent] {
        if isEmpty.load(ordering: .acquiring) { return [] }
        isEmpty.store(true, ordering: .sequentiallyConsistent)
        return state.withLock { state in
            defer { (state.waiting, state.dropped) = ([], 0) }
            return state.dropped == 0 ? state.waiting : state.waiting + [.dropped(count: state.dropped)]
        }
    }
}

extension EndedSession {
    /// A session by what its worker says of its end.
    fileprivate init(_ ended: WorkerEvent.Ended) {
        self.init(
            session: ended.session, reason: ended.reason, startMs: ended.startMs, finishMs: ended.finishMs,
            durationMs: ended.durationNs / 1_000_000, cycles: ended.cycles, failures: ended.failures,
            missed: ended.missed)
    }
}
