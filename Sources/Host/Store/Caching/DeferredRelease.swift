internal import HostSystem
internal import Synchronization

/// Defers the release of values that the routine's callback may still be using until that callback returns.
///
/// It holds values that a cache has replaced, and values that were given to another thread than the callback's. A value
/// that the callback's own thread received is therefore always held, by its cache or by this object, and a hit need not
/// change a reference count.
final class DeferredRelease: @unchecked Sendable {
    // @unchecked: `own` is accessed on the callback's thread only.

    private struct State {
        var values: [CacheValue] = []
        /// Values of caches that routines share, by their serial numbers.
        var shared: [UInt64: CacheValue] = [:]
    }

    private let state = Monitor(State())
    private let occupied = Atomic(false)
    /// Grows with each release, under the lock, on the callback's thread.
    private let round = Atomic<UInt64>(1)
    /// The values that the callback in progress was given. The runtime's check of exclusivity would take as long as an access.
    @safe @exclusivity(unchecked) private var own: [CacheValue] = []

    /// Keeps a value until the callback in progress returns; if there is none, until the next one returns. On any thread: the
    /// lock is what says which callback is in progress.
    func add(_ value: CacheValue) {
        state.withLock { state in
            if isHeld(value) { return }
            value.parked.store(round.load(ordering: .relaxed), ordering: .relaxed)
            state.values.append(value)
            occupied.store(true, ordering: .relaxed)
        }
    }

    /// Keeps a value that the callback in progress is given. Call it on that callback's thread, which alone may ask for the
    /// round without the lock. If another thread has just noted that it keeps the value, it does so before it leaves the lock.
    func give(_ value: CacheValue) {
        if isHeld(value) { return }
        value.parked.store(round.load(ordering: .relaxed), ordering: .relaxed)
        own.append(value)
    }

    private func isHeld(_ value: CacheValue) -> Bool {
        value.parked.load(ordering: .relaxed) == round.load(ordering: .relaxed)
    }

    /// Keeps a value of a cache that routines share: others may keep it at the same time.
    func add(shared value: CacheValue) {
        state.withLock { state in
            state.shared[value.serial] = value
            occupied.store(true, ordering: .relaxed)
        }
    }

    /// Releases the values after the callback has returned. Costs one atomic load if there are none.
    func releaseAll() {
        // A value that another thread adds at this very moment is released at the end of the next callback.
        guard occupied.load(ordering: .relaxed) || !own.isEmpty else { return }
        let values = state.withLock { state in
            round.store(round.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            occupied.store(false, ordering: .relaxed)
            var values: [CacheValue] = []
            swap(&values, &state.values)
            values += state.shared.values
            state.shared.removeAll(keepingCapacity: true)
            return values
        }
        var given: [CacheValue] = []
        swap(&given, &own)
        // The values are released here, outside the lock, since an object's release function is plugin code.
        _ = consume values
        _ = consume given
    }
}
