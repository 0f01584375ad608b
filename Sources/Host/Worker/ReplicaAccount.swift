internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A session's counts in the worker's private memory, and the replica with a checksum that they are written to.
///
/// Nothing is read back from the replica: what a plugin wrote there is not taken over, and its check word and seal fail.
@safe struct ReplicaAccount {
    private let replica: UnsafeMutablePointer<LedgerReplica>
    private let key: LedgerKey
    private var session: UInt64 = 0
    private var thread: UInt64 = 0
    private var failures: UInt64 = 0
    private var missed: UInt64 = 0
    private var end: UInt64 = 0
    /// When the last callback began, and when the next one is due, in ns since the boot.
    private var began: Int64 = 0
    private var due: Int64 = 0
    /// The value of `LedgerReplica.seldom` for these fields, which change seldom.
    private var seldom: UInt64 = 0
    /// `LedgerKey.seldom` of these.
    private var sealedSeldom: UInt64 = 0

    /// An account of no session.
    init(scratch replica: UnsafeMutablePointer<LedgerReplica>) {
        unsafe self.replica = unsafe replica
        key = .unkeyed
    }

    /// An account of a session that begins `now`.
    init(_ replica: UnsafeMutablePointer<LedgerReplica>, session: UInt64, key: LedgerKey, now: BootTime) {
        unsafe self.replica = unsafe replica
        self.key = key
        self.session = session
        began = now.nanoseconds
        due = now.nanoseconds
        writeAll(.waiting, cycle: 0)
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
        began = start.nanoseconds
        write(state, cycle: cycle, time: began)
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
            key.seal(seldom: sealedSeldom, place: place, time: time), ordering: .relaxed)
    }

    /// Notes the thread that has the turn. Call it between two callbacks.
    @inline(__always)
    mutating func set(thread: UInt64, cycle: UInt64) {
        if self.thread == thread { return }
        self.thread = thread
        writeAll(.waiting, cycle: cycle)
    }

    /// Notes the numbers of failures and of missed cycles.
    @inline(never)
    mutating func set(failures: UInt64, missed: UInt64, _ state: LedgerState, cycle: UInt64) {
        self.failures = failures
        self.missed = missed
        writeAll(state, cycle: cycle)
    }

    /// Notes how the session has ended, by the raw value of a `SessionEnd`, and when its last cycle began.
    mutating func set(end: UInt64, cycle: UInt64, began: BootTime) {
        self.end = end
        self.began = began.nanoseconds
        writeAll(.ended, cycle: cycle)
    }

    @inline(never)
    private mutating func writeAll(_ state: LedgerState, cycle: UInt64) {
        let threadAndEnd = LedgerReplica.threadAndEnd(thread, end)
        seldom = LedgerReplica.seldom(
            session: session, threadAndEnd: threadAndEnd, failures: failures, missed: missed)
        sealedSeldom = key.seldom(session: session, threadAndEnd: threadAndEnd, failures: failures, missed: missed)
        unsafe replica.pointee.session.store(session, ordering: .relaxed)
        unsafe replica.pointee.threadAndEnd.store(threadAndEnd, ordering: .relaxed)
        unsafe replica.pointee.failures.store(failures, ordering: .relaxed)
        unsafe replica.pointee.missed.store(missed, ordering: .relaxed)
        write(state, cycle: cycle, time: state == .waiting ? due : began)
    }
}
