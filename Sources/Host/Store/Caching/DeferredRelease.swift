internal import HostSystem
internal import Synchronization

/// Defers the release of values that the routine's callback may still be using until that callback returns.
///
/// It holds values that a cache has replaced, and values that were given to another thread than the callback's. A value
/// that the callback's own thread received is therefore always held, by its cache or by this object, and a hit need not
/// change a reference count.
///
/// When there is much to release, values do not wait for the end of a callback if there is none in progress: see
/// `CacheBudget.releaseParked`.
final class DeferredRelease: @unchecked Sendable {
    // @unchecked: `own` is accessed on the callback's thread only.

    private struct State {
        var values: [CacheValue] = []
        /// The bytes that `values` take, and how many of them the budget knows of.
        var bytes = 0
        var told = 0
        /// Values of caches that routines share, by their serial numbers.
        var shared: [UInt64: CacheValue] = [:]
    }

    /// Values that were taken away, to be released if no callback can use them.
    struct Taken {
        let owner: DeferredRelease
        fileprivate var values: [CacheValue]
        /// The round in which they were taken.
        fileprivate let round: UInt64
        fileprivate let bytes: Int
        fileprivate let told: Int
    }

    /// The budget is told of so many bytes at a time, since all processors have to agree on its counts.
    private static let share = 16 << 10
    /// What a value takes beside its bytes.
    private static let overhead = 192

    private let budget: CacheBudget
    /// Whether a callback is in progress; nil where nobody knows.
    private let isInCallback: (@Sendable () -> Bool)?
    /// Runs plugin code on another thread; returns false if it cannot.
    private let background: @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool

    private let state = Monitor(State())
    private let occupied = Atomic(false)
    /// Grows with each release, under the lock, on the callback's thread.
    private let round = Atomic<UInt64>(1)
    /// The values that the callback in progress was given. The runtime's check of exclusivity would take as long as an access.
    @safe @exclusivity(unchecked) private var own: [CacheValue] = []

    init(
        budget: CacheBudget, isInCallback: (@Sendable () -> Bool)?,
        background: @escaping @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool
    ) {
        self.budget = budget
        self.isInCallback = isInCallback
        self.background = background
    }

    deinit { budget.unpark(state.withLock { $0.told }) }

    /// Keeps a value until the callback in progress returns; if there is none, until the next one returns, or until much is kept.
    /// On any thread, without a lock: the lock of this object is what says which callback is in progress.
    func add(_ value: CacheValue) {
        let isMuch = state.withLock { state in
            if isHeld(value) { return false }
            value.parked.store(round.load(ordering: .relaxed), ordering: .relaxed)
            state.values.append(value)
            occupied.store(true, ordering: .relaxed)
            state.bytes += value.cost + Self.overhead
            let news = state.bytes - state.told
            guard news >= Self.share, isInCallback != nil else { return false }
            state.told = state.bytes
            return budget.park(news)
        }
        if isMuch { budget.releaseParked() }
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
        let (values, told) = state.withLock { state in
            round.store(round.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            occupied.store(false, ordering: .relaxed)
            var values: [CacheValue] = []
            swap(&values, &state.values)
            values += state.shared.values
            state.shared.removeAll(keepingCapacity: true)
            defer { (state.bytes, state.told) = (0, 0) }
            return (values, state.told)
        }
        if told != 0 { budget.unpark(told) }
        var given: [CacheValue] = []
        swap(&given, &own)
        // The values are released here, outside the lock, since an object's release function is plugin code.
        _ = consume values
        _ = consume given
    }

    // MARK: - Between callbacks

    /// Takes the values away that caches have replaced; nil if there are none, or if a callback is in progress. `release` or
    /// `putBack` must follow.
    func take() -> Taken? {
        guard occupied.load(ordering: .relaxed), let isInCallback, !isInCallback() else { return nil }
        return state.withLock { state in
            if state.values.isEmpty { return nil }
            var taken = Taken(
                owner: self, values: [], round: round.load(ordering: .relaxed), bytes: state.bytes, told: state.told)
            swap(&taken.values, &state.values)
            (state.bytes, state.told) = (0, 0)
            // From now on nobody relies on this object's holding them.
            for value in taken.values { value.parked.store(0, ordering: .relaxed) }
            return taken
        }
    }

    /// Releases values after all threads have passed a barrier, if no callback can use them; else they wait for its end.
    func release(_ taken: inout Taken) {
        // If a callback has returned since, it was the only one that could have found them.
        let isOver = state.withLock { _ in round.load(ordering: .relaxed) != taken.round }
        guard isOver || isInCallback?() == false else { return putBack(&taken) }
        budget.unpark(taken.told)
        let objects = Monitor(taken.removeObjects())
        taken.values = []
        if objects.withLock({ $0.isEmpty }) { return }
        // This thread is the plugin's, which may have locks that an object's release function takes too.
        let release: @Sendable () -> Void = {
            let all = objects.withLock { objects in
                defer { objects = [] }
                return objects
            }
            _ = consume all
        }
        if !background(release) { for value in objects.withLock({ $0 }) { add(value) } }
    }

    /// Keeps values on that were taken, until a callback returns.
    func putBack(_ taken: inout Taken) {
        state.withLock { state in
            state.values += taken.values
            state.bytes += taken.bytes
            state.told += taken.told
            occupied.store(true, ordering: .relaxed)
        }
        taken.values = []
    }
}

extension DeferredRelease.Taken {
    /// Takes the objects out.
    fileprivate mutating func removeObjects() -> [CacheValue] {
        let objects = values.filter(\.isObject)
        if !objects.isEmpty { values.removeAll(where: \.isObject) }
        return objects
    }
}
