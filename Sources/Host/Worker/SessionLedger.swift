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
        replica = unsafe ReplicaAccount(scratch: file.scratchReplica, key: file.key)
    }

    /// Makes the ledger of a session that begins `now`. Slot, replica and key must outlive it.
    init(
        _ slot: UnsafeMutablePointer<LedgerSlot>, replica: UnsafeMutablePointer<LedgerReplica>,
        key: UnsafePointer<LedgerKey>, session: SessionID, now: BootTime, nextMs: Int64
    ) {
        unsafe self.slot = unsafe slot
        self.replica = unsafe ReplicaAccount(replica, session: session, key: key, now: now)
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
        unsafe slot.pointee.attempt.store(1, ordering: .relaxed)
        unsafe slot.pointee.carries.store(0, ordering: .relaxed)
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

    /// Has the processor bring near what a cycle writes: the slot and the replica.
    @inline(__always)
    func fetch() {
        unsafe ProcessorCache.fetch(slot, bytes: LedgerSlot.size)
        replica.fetch()
    }

    /// The session's id as it stands in the slot, where the plugin could write another one: good enough to tell the plugin
    /// itself what it asks, and read without an access to the runner.
    @inline(__always)
    var session: SessionID { unsafe SessionID(rawValue: slot.pointee.session.load(ordering: .relaxed)) }

    /// When the last callback began.
    var began: BootTime { unsafe BootTime(nanoseconds: slot.pointee.began.load(ordering: .relaxed)) }

    /// Notes the thread that has the turn.
    @inline(__always)
    mutating func turn(of thread: Int32, _ counts: @autoclosure () -> ReplicaAccount.Counts) {
        let number = UInt32(bitPattern: thread)
        unsafe slot.pointee.thread.store(number, ordering: .relaxed)
        replica.set(thread: number, counts())
    }

    // MARK: - Cycles

    /// Notes that a cycle begins.
    @inline(__always)
    mutating func cycleBegins(_ cycle: UInt64, at start: BootTime) {
        unsafe slot.pointee.began.store(start.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.running.rawValue, ordering: .relaxed)
        replica.begins(.running, cycle: cycle, at: start)
    }

    /// Notes that the plugin has returned from a cycle, and counts duration and lateness. `annex` is that of the slot: it
    /// is asked for when a bucket is full, and not before.
    @inline(__always)
    func cycleEnds(
        start: BootTime, end: BootTime, due: BootTime,
        annex: @autoclosure () -> UnsafeMutablePointer<LedgerAnnex>
    ) {
        let duration = end - start
        unsafe slot.pointee.lastDuration.store(duration, ordering: .relaxed)
        unsafe slot.pointee.totalDuration.store(
            slot.pointee.totalDuration.load(ordering: .relaxed) &+ duration, ordering: .relaxed)
        if unsafe duration > slot.pointee.longest.load(ordering: .relaxed) {
            unsafe slot.pointee.longest.store(duration, ordering: .relaxed)
        }
        let bucket = LedgerHistogram.bucket(duration)
        let durations = unsafe slot.pointee.durations[bucket].load(ordering: .relaxed) &+ 1
        if durations != 0 {
            unsafe slot.pointee.durations[bucket].store(durations, ordering: .relaxed)
        } else {
            unsafe carry(.durations, bucket, to: annex())
        }
        let late = LedgerHistogram.bucket(start - due)
        let lateness = unsafe slot.pointee.lateness[late].load(ordering: .relaxed) &+ 1
        if lateness != 0 {
            unsafe slot.pointee.lateness[late].store(lateness, ordering: .relaxed)
        } else {
            unsafe carry(.lateness, late, to: annex())
        }
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
    }

    /// The histograms of a slot.
    private enum Histogram {
        case durations, lateness
    }

    /// Counts one more in a bucket whose lower half in the slot is full. `carries` is odd meanwhile, so that a reader of
    /// both halves knows whether they belong together. Back-to-back cycles come here every four minutes.
    @inline(never)
    private func carry(_ histogram: Histogram, _ bucket: Int, to annex: UnsafeMutablePointer<LedgerAnnex>) {
        let before = unsafe slot.pointee.carries.load(ordering: .relaxed)
        let during = before | 1
        unsafe slot.pointee.carries.store(during, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        if before == 0 {
            // The halves of an earlier session, or nothing.
            for index in 0..<LedgerHistogram.count {
                unsafe annex.pointee.durations[index].store(0, ordering: .relaxed)
                unsafe annex.pointee.lateness[index].store(0, ordering: .relaxed)
            }
        }
        switch histogram {
        case .durations:
            unsafe annex.pointee.durations[bucket].store(
                annex.pointee.durations[bucket].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            unsafe slot.pointee.durations[bucket].store(0, ordering: .relaxed)
        case .lateness:
            unsafe annex.pointee.lateness[bucket].store(
                annex.pointee.lateness[bucket].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            unsafe slot.pointee.lateness[bucket].store(0, ordering: .relaxed)
        }
        unsafe slot.pointee.carries.store(during &+ 1, ordering: .releasing)
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

    /// Notes the numbers of failures and of missed cycles so far, in the replica: while the session waits, or after a cycle
    /// that began then.
    mutating func failed(_ counts: ReplicaAccount.Counts, runningSince began: BootTime? = nil) {
        replica.set(counts, runningSince: began)
    }

    /// Notes the decision about a failure: the cycle and attempt that come next, and the number of cycles that failed
    /// but count as done.
    func decided(cycle: UInt64, attempt: UInt32, passed: UInt64) {
        unsafe slot.pointee.passed.store(passed, ordering: .relaxed)
        unsafe slot.pointee.cycle.store(cycle, ordering: .relaxed)
        unsafe slot.pointee.attempt.store(attempt, ordering: .relaxed)
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

    /// Notes the end of the session. `began`, the start of the last cycle, stays in the slot, since the next session may
    /// need it.
    mutating func end(_ end: SessionEnd, _ counts: ReplicaAccount.Counts, began: BootTime) {
        unsafe slot.pointee.began.store(began.nanoseconds, ordering: .relaxed)
        unsafe slot.pointee.end.store(end.rawValue, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.ended.rawValue, ordering: .relaxed)
        replica.set(end: end.rawValue, counts, began: began)
    }

    // MARK: - Caches

    /// Notes the total counters of the routine's caches, in the annex of the slot.
    func count(_ caches: CacheCounters, in annex: UnsafeMutablePointer<LedgerAnnex>) {
        unsafe annex.pointee.cacheHits.store(caches.hits, ordering: .relaxed)
        unsafe annex.pointee.cacheLoads.store(caches.loads, ordering: .relaxed)
        unsafe annex.pointee.cacheFailures.store(caches.loadFailures, ordering: .relaxed)
        unsafe annex.pointee.cacheStale.store(caches.staleServed, ordering: .relaxed)
        unsafe annex.pointee.cacheEvictions.store(caches.evictions, ordering: .relaxed)
        unsafe annex.pointee.cacheBytes.store(caches.bytes, ordering: .relaxed)
        unsafe annex.pointee.cacheLoadTime.store(caches.loadTime, ordering: .relaxed)
        unsafe annex.pointee.sharedHits.store(caches.sharedHits, ordering: .relaxed)
        unsafe annex.pointee.sharedLoads.store(caches.sharedLoads, ordering: .relaxed)
        unsafe annex.pointee.sharedWaits.store(caches.sharedWaits, ordering: .relaxed)
        unsafe annex.pointee.storeFailures.store(caches.storeFailures, ordering: .relaxed)
        // After the counts, so that who reads this finds them.
        unsafe slot.pointee.cachesCounted.store(1, ordering: .releasing)
    }
}
