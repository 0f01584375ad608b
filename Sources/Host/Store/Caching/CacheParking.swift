internal import HostSystem
internal import Synchronization

/// Values that a callback may still look at: kept until it returns.
///
/// What a cache replaces comes here, and so does what was given to another thread than the callback's. A value that
/// the callback's own thread got needs nothing, then: it is held by its cache or it is here. So a hit touches no
/// reference count.
final class CacheParking: Sendable {
    private struct State {
        var values: [CacheValue] = []
        var round: UInt64 = 1
    }

    private let state = Monitor(State())
    private let occupied = Atomic(false)

    /// Keeps a value until the callback in progress returns, or the next one when there is none.
    func park(_ value: CacheValue) {
        state.withLock { state in
            if value.parked.exchange(state.round, ordering: .relaxed) == state.round { return }
            state.values.append(value)
            occupied.store(true, ordering: .relaxed)
        }
    }

    /// The callback has returned. Costs one load when nothing was parked.
    func empty() {
        // A value parked by another thread at this very moment is seen at the end of the next callback.
        guard occupied.load(ordering: .relaxed) else { return }
        let values = state.withLock { state in
            state.round &+= 1
            occupied.store(false, ordering: .relaxed)
            var values: [CacheValue] = []
            swap(&values, &state.values)
            return values
        }
        // They are released here, outside the lock: an object's release function is the plugin's code.
        _ = consume values
    }
}
