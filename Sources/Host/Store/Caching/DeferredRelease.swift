internal import HostSystem
internal import Synchronization

/// Defers the release of values that the routine's callback may still be using until that callback returns.
///
/// It holds values that a cache has replaced, and values that were given to another thread than the callback's. A value
/// that the callback's own thread received is therefore always held, by its cache or by this object, and a hit need not
/// change a reference count.
final class DeferredRelease: Sendable {
    private struct State {
        var values: [CacheValue] = []
        /// Values of caches that routines share, by their serial numbers.
        var shared: [UInt64: CacheValue] = [:]
        var round: UInt64 = 1
    }

    private let state = Monitor(State())
    private let occupied = Atomic(false)

    /// Keeps a value until the callback in progress returns; if there is none, until the next one returns.
    func add(_ value: CacheValue) {
        state.withLock { state in
            if value.parked.exchange(state.round, ordering: .relaxed) == state.round { return }
            state.values.append(value)
            occupied.store(true, ordering: .relaxed)
        }
    }

    /// The same for a value of a cache that routines share: others may keep it at the same time.
    func add(shared value: CacheValue) {
        state.withLock { state in
            state.shared[value.serial] = value
            occupied.store(true, ordering: .relaxed)
        }
    }

    /// Releases the values after the callback has returned. Costs one atomic load if there are none.
    func releaseAll() {
        // A value that another thread adds at this very moment is released at the end of the next callback.
        guard occupied.load(ordering: .relaxed) else { return }
        let values = state.withLock { state in
            state.round &+= 1
            occupied.store(false, ordering: .relaxed)
            var values: [CacheValue] = []
            swap(&values, &state.values)
            values += state.shared.values
            state.shared.removeAll(keepingCapacity: true)
            return values
        }
        // The values are released here, outside the lock, since an object's release function is plugin code.
        _ = consume values
    }
}
