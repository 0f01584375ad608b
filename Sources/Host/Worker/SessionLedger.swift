internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A session's state and counts in its slot of the ledger and in the slot's replica: its phase, when that began, and
/// how long its cycles took.
///
/// It uses plain stores, since only the thread that has the turn writes them. A cycle calls `cycleBegins`, `cycleEnds`
/// and `cycleCounts`; every other call of the plugin is between `callbackBegins` and `callbackEnds`. So the supervisor
/// knows at any moment what a worker that hangs or dies was doing.
@safe struct SessionLedger {
    private let slot: UnsafeMutablePointer<LedgerSlot>
    private var replica: ReplicaAccount

    /// Makes a ledger for no session, in a slot that is never read.
    init(scratch file: LedgerFile) {
        unsafe slot = unsafe file.scratch
        replica = unsafe ReplicaAccount(scratch: file.scratchReplica)
    }

    /// Makes the ledger of a session that begins `now`. Slot and replica must outlive it.
    init(
        _ slot: UnsafeMutablePointer<LedgerSlot>, replica: UnsafeMutablePointer<LedgerReplica>, key: LedgerKey,
        session: SessionID, now: BootTime, nextMs: Int64
    ) {
        unsafe self.slot = unsafe slot
        self.replica = unsafe ReplicaAccount(replica, session: session.rawValue, key: key, now: now)
        unsafe slot.pointee.state.store(LedgerState.idle.rawValue, ordering: .relaxed)
        unsafe slot.pointee.end.store(0, ordering: .relaxed)
        unsafe slot.pointee.cycle.store(0, ordering: .relaxed)
        unsafe slot.pointee.began.store(now.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.due.store(now.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.failures.store(0, ordering: .relaxed)
        unsafe slot.pointee.missed.store(0, ordering: .relaxed)
        unsafe slot.pointee.lastDuration.store(0, ordering: .relaxed)
        unsafe slot.pointee.totalDuration.store(0, ordering: .relaxed)
        unsafe slot.pointee.longest.store(0, ordering: .relaxed)
        unsafe slot.pointee.startedBoot.store(now.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.attempt.store(1, ordering: .relaxed)
        unsafe slot.pointee.wallDue.store(nextMs, ordering: .relaxed)
        unsafe slot.pointee.passed.store(0, ordering: .relaxed)
        unsafe slot.pointee.leaseEnd.store(0, ordering: .relaxed)
        for index in 0..<LedgerHistogram.count {
            unsafe slot.pointee.durations[index].store(0, ordering: .relaxed)
            unsafe slot.pointee.lateness[index].store(0, ordering: .relaxed)
        }
        // The id is stored after all counts, so that a reader of the new id finds no count of the former session.
        unsafe slot.pointee.session.store(session.rawValue, ordering: .releasing)
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .releasing)
    }

    /// Has the processor bring near what a cycle writes: the first counts of the slot, those buckets of its histograms into
    /// which most cycles fall, up to 131 us of duration and 33 ms of lateness, and the replica.
    @inline(__always)
    func fetch() {
        let start = unsafe UnsafeRawPointer(slot)
        unsafe ProcessorCache.fetch(start, bytes: 128)
        unsafe ProcessorCache.fetch(start + LedgerSlot.durationsOffset, bytes: 64)
        unsafe ProcessorCache.fetch(start + LedgerSlot.latenessOffset, bytes: 128)
        replica.fetch()
    }

    /// When the last callback began.
    var began: BootTime { unsafe BootTime(nanoseconds: slot.pointee.began.load(ordering: .relaxed)) }

    /// Notes the thread that has the turn.
    @inline(__always)
    mutating func turn(of thread: Int32, cycle: UInt64) {
        let number = UInt64(UInt32(bitPattern: thread))
        unsafe slot.pointee.thread.store(number, ordering: .relaxed)
        replica.set(thread: number, cycle: cycle)
    }

    // MARK: - Cycles

    /// Notes that a cycle begins.
    @inline(__always)
    mutating func cycleBegins(_ cycle: UInt64, at start: BootTime) {
        unsafe slot.pointee.began.store(start.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.running.rawValue, ordering: .relaxed)
        replica.begins(.running, cycle: cycle, at: start)
    }

    /// Notes that the plugin has returned from a cycle, and counts duration and lateness.
    @inline(__always)
    func cycleEnds(start: BootTime, end: BootTime, due: BootTime) {
        let duration = end - start
        unsafe slot.pointee.lastDuration.store(duration, ordering: .relaxed)
        unsafe slot.pointee.totalDuration.store(
            slot.pointee.totalDuration.load(ordering: .relaxed) &+ duration, ordering: .relaxed)
        if unsafe duration > slot.pointee.longest.load(ordering: .relaxed) {
            unsafe slot.pointee.longest.store(duration, ordering: .relaxed)
        }
        let bucket = LedgerHistogram.bucket(duration)
        unsafe slot.pointee.durations[bucket].store(
            slot.pointee.durations[bucket].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        let late = LedgerHistogram.bucket(start - due)
        unsafe slot.pointee.lateness[late].store(
            slot.pointee.lateness[late].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
    }

    /// Notes a good cycle: the numbers of completed and of missed cycles so far.
    @inline(__always)
    func cycleCounts(_ cycles: UInt64, missed: UInt64) {
        unsafe slot.pointee.cycle.store(cycles, ordering: .relaxed)
        unsafe slot.pointee.missed.store(missed, ordering: .relaxed)
    }

    /// Notes the number of failures so far, in the slot.
    func failed(_ failures: UInt64) {
        unsafe slot.pointee.failures.store(failures, ordering: .relaxed)
    }

    /// Notes the numbers of failures and of missed cycles so far, in the replica.
    mutating func failed(_ failures: UInt64, missed: UInt64, _ state: LedgerState, cycle: UInt64) {
        replica.set(failures: failures, missed: missed, state, cycle: cycle)
    }

    /// Notes the decision about a failure: the cycle and attempt that come next, and the number of cycles that failed
    /// but count as done.
    func decided(cycle: UInt64, attempt: UInt32, passed: UInt64) {
        unsafe slot.pointee.passed.store(passed, ordering: .relaxed)
        unsafe slot.pointee.cycle.store(cycle, ordering: .relaxed)
        unsafe slot.pointee.attempt.store(UInt64(attempt), ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
    }

    /// Notes that nothing happens until `due`.
    @inline(__always)
    mutating func waits(until due: BootTime, cycle: UInt64) {
        unsafe slot.pointee.due.store(due.nanoseconds, ordering: .relaxed)
        replica.waits(until: due, cycle: cycle)
    }

    /// Notes the plan's next step: the number of missed cycles, and the next due time in ms of the wall clock, from
    /// which the boot clock drifts over hours.
    func planned(missed: UInt64, nextMs: Int64) {
        unsafe slot.pointee.missed.store(missed, ordering: .relaxed)
        unsafe slot.pointee.wallDue.store(nextMs, ordering: .relaxed)
    }

    // MARK: - Other callbacks

    /// Notes that the plugin is called for something other than a cycle.
    mutating func callbackBegins(_ state: LedgerState, cycle: UInt64, at start: BootTime) {
        unsafe slot.pointee.began.store(start.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.state.store(state.rawValue, ordering: .relaxed)
        replica.begins(state, cycle: cycle, at: start)
    }

    /// Notes that the plugin has returned from such a callback.
    func callbackEnds(cycle: UInt64) {
        waits()
        replica.waits(cycle: cycle)
    }

    /// Notes that the session waits, for a callback that the plugin does not have.
    func waits() {
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
    }

    /// Notes the end of the session after `cycles` cycles. `began`, the start of the last cycle, stays in the slot,
    /// since the next session may need it.
    mutating func end(_ end: SessionEnd, cycles: UInt64, began: BootTime) {
        unsafe slot.pointee.began.store(began.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.end.store(end.rawValue, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.ended.rawValue, ordering: .relaxed)
        replica.set(end: end.rawValue, cycle: cycles, began: began)
    }

    // MARK: - Caches

    /// Notes the total counters of the routine's caches.
    func count(_ caches: CacheCounters) {
        unsafe slot.pointee.cacheHits.store(caches.hits, ordering: .relaxed)
        unsafe slot.pointee.cacheLoads.store(caches.loads, ordering: .relaxed)
        unsafe slot.pointee.cacheFailures.store(caches.loadFailures, ordering: .relaxed)
        unsafe slot.pointee.cacheStale.store(caches.staleServed, ordering: .relaxed)
        unsafe slot.pointee.cacheEvictions.store(caches.evictions, ordering: .relaxed)
        unsafe slot.pointee.cacheBytes.store(caches.bytes, ordering: .relaxed)
        unsafe slot.pointee.cacheLoadTime.store(caches.loadTime, ordering: .relaxed)
        unsafe slot.pointee.sharedHits.store(caches.sharedHits, ordering: .relaxed)
        unsafe slot.pointee.sharedLoads.store(caches.sharedLoads, ordering: .relaxed)
        unsafe slot.pointee.sharedWaits.store(caches.sharedWaits, ordering: .relaxed)
        unsafe slot.pointee.storeFailures.store(caches.storeFailures, ordering: .relaxed)
    }
}
