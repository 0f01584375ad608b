internal import HostSystem
internal import Synchronization

/// The memory of values that caches have replaced and that are not released yet (`DeferredRelease`), of all namespaces together.
///
/// Such a value waits for the end of a callback. A routine may be in none for hours, while other threads of its plugin replace
/// values. So when there are many, those of routines that are in no callback are released at once.
struct ParkingCounts: ~Copyable, Sendable {
    let bytes = Atomic<Int>(0)
    /// The bytes that have come since somebody looked which of them can go.
    let news = Atomic<Int>(0)
    let isLooking = Atomic(false)
    /// Whether all threads cannot be made to pass a barrier. Then values wait, whatever they take.
    let hasNoBarrier = Atomic(false)
}

extension CacheBudget {
    /// The bytes of the values that wait for their release.
    public var parked: Int { parking.bytes.load(ordering: .relaxed) }

    /// How many bytes may wait before somebody looks which of them can go.
    private var parkedLimit: Int { max(1 << 20, totalLimit / 8) }

    /// Adds bytes of values that wait for their release. If it returns true, call `releaseParked`, without a lock.
    ///
    /// So that values which must wait do not make each call look, there is half of the limit between two looks.
    func park(_ bytes: Int) -> Bool {
        let all = parking.bytes.add(bytes, ordering: .relaxed).newValue
        let news = parking.news.add(bytes, ordering: .relaxed).newValue
        return all > parkedLimit && news > parkedLimit / 2
    }

    /// Subtracts bytes of values that have been released.
    func unpark(_ bytes: Int) { parking.bytes.subtract(bytes, ordering: .relaxed) }

    /// Releases the values of all namespaces whose routines are in no callback, and so cannot use them.
    ///
    /// A hit takes no lock and has no barrier: the callback's thread notes that a callback begins, and later reads which value
    /// there is. Either may be seen late by other threads. So the values are taken first, which no cache has any more; then all
    /// threads pass a barrier; then it is asked which callbacks are in progress. One that has begun before its thread's barrier
    /// is seen now, unless it has ended, and then it uses nothing any more. One that begins after the barrier does not find these
    /// values.
    func releaseParked() {
        guard !parking.hasNoBarrier.load(ordering: .relaxed), !parking.isLooking.exchange(true, ordering: .acquiring)
        else { return }
        defer { parking.isLooking.store(false, ordering: .releasing) }
        parking.news.store(0, ordering: .relaxed)
        var taken = lists.compactMap { $0.deferredRelease.take() }
        if taken.isEmpty { return }
        let isPassed = barrier()
        if !isPassed { parking.hasNoBarrier.store(true, ordering: .relaxed) }
        // Each is moved out: nothing here is to have the last reference to an object.
        while var one = taken.popLast() {
            let owner = one.owner
            if isPassed { owner.release(&one) } else { owner.putBack(&one) }
        }
    }
}
