internal import HostValues
internal import Synchronization

/// What one plugin of this host has put into the store of shared caches, as far as the store still keeps it, and how much
/// that may be.
///
/// It begins empty with each store worker: what was put before is kept for a bounded time. Any thread calls it.
final class SharedAccount: Sendable {
    private struct Entry {
        var bytes: Int
        var until: BootTime
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
        var most: (keys: Int, bytes: Int)
        /// Before that nothing more is over that is counted.
        var lookAt = BootTime.longAgo
        /// Whether people were told that it is full.
        var isTold = false
    }

    private let state: Mutex<State>

    /// An account of so many keys and bytes at most.
    init(keys: Int, bytes: Int) { state = Mutex(State(most: (keys, bytes))) }

    /// It may have so much from now on.
    func limit(keys: Int, bytes: Int) { state.withLock { $0.most = (keys, bytes) } }

    /// Whether a value of so many bytes may be put under that name, where the store keeps it for so long, in ms. It is counted
    /// from then on. `tell` is called with what to say, once, when there is no room.
    func take(_ name: String, bytes: Int, keepMs: UInt64, at now: BootTime, tell: (String) -> Void) -> Bool {
        let text = state.withLock { state -> String? in
            let former = state.entries[name]
            func isFull() -> Bool {
                state.entries.count + (former == nil ? 1 : 0) > state.most.keys
                    || state.bytes - (former?.bytes ?? 0) + bytes > state.most.bytes
            }
            if isFull(), now >= state.lookAt {
                Self.forget(&state, name) { $1.until <= now }
                state.lookAt = state.entries.values.map(\.until).min() ?? .longAgo
            }
            guard !isFull() else {
                defer { state.isTold = true }
                return state.isTold
                    ? ""
                    : "has \(state.entries.count) values with \(state.bytes >> 10) KiB in the store, and may have "
                        + "\(state.most.keys) with \(state.most.bytes >> 10) KiB: others stay on this host (caches.shared_keys, "
                        + "caches.shared_mb)"
            }
            state.isTold = false
            state.bytes += bytes - (former?.bytes ?? 0)
            let until = now + Int64(clamping: keepMs).clampedTimes(1_000_000)
            state.entries[name] = Entry(bytes: bytes, until: until)
            state.lookAt = min(state.lookAt, until)
            return nil
        }
        if let text, !text.isEmpty { tell(text) }
        return text == nil
    }

    /// Those values are not in the store any more.
    func remove(where isGone: (String) -> Bool) {
        state.withLock { Self.forget(&$0, nil) { name, _ in isGone(name) } }
    }

    private static func forget(_ state: inout State, _ kept: String?, where isGone: (String, Entry) -> Bool) {
        for (name, entry) in state.entries where name != kept && isGone(name, entry) {
            state.bytes -= entry.bytes
            state.entries[name] = nil
        }
    }
}
