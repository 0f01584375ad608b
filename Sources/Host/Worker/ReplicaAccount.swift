internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// The replica with a checksum of a session's counts, and what is needed to write it, in the worker's private memory.
///
/// Nothing is read back from the replica: what a plugin wrote there is not taken over, and its check word and seal fail.
/// What changes seldom is not kept here, since a worker may have 100 000 sessions: who writes all of the replica brings
/// it along.
@safe struct ReplicaAccount {
    /// What all of a replica is written from, beside what is kept here.
    struct Counts {
        let session: SessionID
        let cycle: UInt64
        let failures: UInt64
        let missed: UInt64
    }

    private let replica: UnsafeMutablePointer<LedgerReplica>
    /// The key of the worker, which all its sessions share.
    private let key: UnsafePointer<LedgerKey>
    /// When the next callback is due, in ns since the boot.
    private var due: Int64 = 0
    /// The value of `LedgerReplica.seldom` for the words that change seldom.
    private var seldom: UInt64 = 0
    /// `LedgerKey.seldom` of these.
    private var sealedSeldom: UInt64 = 0
    private var thread: UInt32 = 0

    /// An account of no session.
    init(scratch replica: UnsafeMutablePointer<LedgerReplica>, key: UnsafePointer<LedgerKey>) {
        unsafe self.replica = unsafe replica
        unsafe self.key = unsafe key
    }

    /// An account of a session that begins `now`.
    init(
        _ replica: UnsafeMutablePointer<LedgerReplica>, session: SessionID, key: UnsafePointer<LedgerKey>, now: BootTime
    ) {
        unsafe self.replica = unsafe replica
        unsafe self.key = unsafe key
        due = now.nanoseconds
        writeAll(Counts(session: session, cycle: 0, failures: 0, missed: 0), .waiting, time: due)
    }

    /// Has the processor bring the replica near.
    @inline(__always)
    func fetch() { unsafe ProcessorCache.fetch(replica, bytes: LedgerReplica.size) }

    /// Notes that a callback begins.
    ///
    /// A cycle calls only this: `waits` is noted when nothing is due, but not between two cycles that follow each other
    /// directly.
    @inline(__always)
    mutating func begins(_ state: LedgerState, cycle: UInt64, at start: BootTime) {
        write(state, cycle: cycle, time: start.nanoseconds)
    }

    /// Notes that nothing happens until `due`.
    @inline(__always)
    mutating func waits(until due: BootTime, cycle: UInt64) {
        self.due = due.nanoseconds
        write(.waiting, cycle: cycle, time: self.due)
    }

    /// Notes that a callback has returned.
    func waits(cycle: UInt64) { write(.waiting, cycle: cycle, time: due) }

    @inline(__always)
    private func write(_ state: LedgerState, cycle: UInt64, time: Int64) {
        let place = cycle &<< 8 | state.rawValue
        unsafe replica.pointee.place.store(place, ordering: .relaxed)
        unsafe replica.pointee.time.store(time, ordering: .relaxed)
        unsafe replica.pointee.check.store(
            LedgerReplica.check(seldom: seldom, place: place, time: time), ordering: .relaxed)
        unsafe replica.pointee.seal.store(
            key.pointee.seal(seldom: sealedSeldom, place: place, time: time), ordering: .relaxed)
    }

    /// Notes the thread that has the turn. Call it between two callbacks.
    @inline(__always)
    mutating func set(thread: UInt32, _ counts: @autoclosure () -> Counts) {
        if self.thread == thread { return }
        self.thread = thread
        writeAll(counts(), .waiting, time: due)
    }

    /// Notes the numbers of failures and of missed cycles, while the session waits or in a cycle that began then.
    @inline(never)
    mutating func set(_ counts: Counts, runningSince began: BootTime?) {
        writeAll(counts, began == nil ? .waiting : .running, time: began?.nanoseconds ?? due)
    }

    /// Notes how the session has ended, by the raw value of a `SessionEnd`, and when its last cycle began.
    mutating func set(end: UInt64, _ counts: Counts, began: BootTime) {
        writeAll(counts, .ended, time: began.nanoseconds, end: end)
    }

    @inline(never)
    private mutating func writeAll(_ counts: Counts, _ state: LedgerState, time: Int64, end: UInt64 = 0) {
        let session = counts.session.rawValue
        let threadAndEnd = LedgerReplica.threadAndEnd(UInt64(thread), end)
        seldom = LedgerReplica.seldom(
            session: session, threadAndEnd: threadAndEnd, failures: counts.failures, missed: counts.missed)
        sealedSeldom = unsafe key.pointee.seldom(
            session: session, threadAndEnd: threadAndEnd, failures: counts.failures, missed: counts.missed)
        unsafe replica.pointee.session.store(session, ordering: .relaxed)
        unsafe replica.pointee.threadAndEnd.store(threadAndEnd, ordering: .relaxed)
        unsafe replica.pointee.failures.store(counts.failures, ordering: .relaxed)
        unsafe replica.pointee.missed.store(counts.missed, ordering: .relaxed)
        write(state, cycle: counts.cycle, time: time)
    }
}

extension ReplicaAccount.Counts {
    /// What a session's schedule says.
    init(_ session: SessionID, _ schedule: Schedule) {
        self.init(session: session, cycle: schedule.cycle, failures: schedule.failures, missed: schedule.missed)
    }
}
