public import CPluginAPI

/// What a routine can ask of the scheduler that runs it. Handed to each closure; two words.
///
/// Valid until the routine's `stop` has returned. Its members say on which threads they may be called: *callback*
/// means inside a closure of the routine (or in its async cycle), *any thread* also means the plugin's own threads.
/// A host that lacks a function answers as each member says; nothing here traps.
@safe public struct Scheduler: @unchecked Sendable {
    // @unchecked: two pointers to what the host and the overlay keep until `stop` has returned.
    private let owner: Unmanaged<CallbackContext>

    /// The scheduler as C knows it, for the functions of calls.h.
    public let pointer: UnsafePointer<schedhost_scheduler>

    init(context: CallbackContext, pointer: UnsafePointer<schedhost_scheduler>) {
        unsafe owner = unsafe Unmanaged.passUnretained(context)
        unsafe self.pointer = unsafe pointer
    }

    // Contexts are immortal, so that an unretained reference is enough.
    var context: CallbackContext { unsafe owner._withUnsafeGuaranteedRef { $0 } }
    var table: schedhost_host {
        _read { yield unsafe owner._withUnsafeGuaranteedRef { $0 }.table }
    }

    /// The scheduler of the callback in progress on this thread; nil elsewhere.
    public static var current: Scheduler? { CurrentScheduler.scheduler }

    // MARK: Where it stands

    private var place: schedhost_place {
        guard let place = unsafe table.place?(pointer) else { return unsafe schedhost_place() }
        return unsafe copy(of: place, into: schedhost_place())
    }

    /// The cycle of this session, from 0. Callback.
    public var cycle: UInt64 { unsafe place.cycle }
    /// The attempt at this cycle, from 1; more than 1 after a retry. Callback.
    public var attempt: Int { unsafe Int(place.attempt) }
    /// The plugin's id; `id@instance` where the configuration has several of it. Callback.
    public var plugin: String { unsafe place.plugin.map { unsafe String(cString: $0) } ?? "" }
    /// The routine's name; empty in `load` and `unload`. Callback.
    public var routine: String { unsafe place.routine.map { unsafe String(cString: $0) } ?? "" }
    /// The session's id; empty in `load` and `unload`. Callback.
    public var session: String { unsafe place.session.map { unsafe String(cString: $0) } ?? "" }
    /// Milliseconds since 1970, UTC, at the session's start. Callback.
    public var sessionStartMilliseconds: Int64 { unsafe place.session_start_ms }
    /// How the session before this one ended. Callback.
    public var sessionBefore: SessionBefore { unsafe SessionBefore(rawValue: place.session_before) ?? .none }
    /// Grid points passed over in this session because a cycle ran late. Callback.
    public var missed: UInt64 { unsafe place.missed }
    /// The time that this cycle is for, in milliseconds since 1970, UTC: with a schedule the time that it names, however
    /// late the cycle is; nil when it runs by its wait or somebody asked for it, and from a host of ABI 1.0. Callback.
    public var dueMilliseconds: Int64? {
        let due = unsafe place.due_ms
        return due == 0 ? nil : due
    }
    /// The token of the lease by which this session runs, where the routine runs on one host of several; nil where it
    /// runs by none, and from a host of ABI 1.0. Hand it to what you write to, and let that refuse a smaller one. Callback.
    public var leaseToken: UInt64? {
        let token = unsafe place.lease_token
        return token == 0 ? nil : token
    }
    /// Which part of the routine's work this session has, and into how many it is divided: 0 of 1 where it has all, and from
    /// a host of ABI 1.0. Each part has one session on all hosts together. Callback.
    public var shard: (index: Int, count: Int) {
        unsafe (Int(place.shard), max(Int(place.shards), 1))
    }
    /// For how long that lease still lasts: then this process is killed, unless the lease is renewed before. Nil where the
    /// session runs by none, and from a host of ABI 1.0. Any thread.
    public var leaseLeft: Duration? {
        guard let left = unsafe table.lease_left_ms?(pointer), left != .max else { return nil }
        return .milliseconds(left)
    }
    /// Cycles over all finished sessions of this routine. Callback.
    public var lifetimeCycles: UInt64 { unsafe place.lifetime_cycles }
    /// Milliseconds since 1970, UTC; 0 from a host that cannot say. Any thread.
    public var nowMilliseconds: Int64 { unsafe table.now_ms?(pointer) ?? 0 }
    /// When the next cycle is due, in milliseconds since 1970, UTC; nil when none will come. Callback.
    public var nextDueMilliseconds: Int64? {
        guard let due = unsafe table.next_due_ms?(pointer), due != .max else { return nil }
        return due
    }

    // MARK: What it does

    /// The log. Any thread.
    public var log: Log { Log(scheduler: self) }

    /// Whether the host has asked this routine to stop; a long cycle polls it. Any thread.
    public var stopRequested: Bool { unsafe (table.stop_requested?(pointer) ?? 0) != 0 }

    /// Sleeps on the routine's thread, in whole milliseconds. Callback.
    ///
    /// Returns true after the time, false at once when the host asks to stop (or cannot sleep):
    /// `guard scheduler.sleep(.seconds(1)) else { return }`. In an async cycle use `Task.sleep`.
    public func sleep(_ duration: Duration) -> Bool {
        unsafe (table.sleep_ms?(pointer, UInt64(duration.milliseconds)) ?? 1) == 0
    }

    /// Ends the session after this cycle, which counts; `reason` goes into the record. Callback.
    public func endSession(_ reason: String = "") {
        unsafe reason.withoutNUL.withCString { unsafe table.end_session?(pointer, $0) }
    }

    /// Changes this session's wait; the next cycle comes that long after this one began. Callback.
    ///
    /// Returns false above 31 days, and when it is negative. In a routine that runs by a schedule it does nothing, and
    /// returns true: the schedule says when the next cycle comes.
    @discardableResult
    public func setWait(_ wait: Duration) -> Bool {
        unsafe table.set_wait_ms?(pointer, wait.signedMilliseconds) == Code.ok
    }

    /// The next cycle comes at once after this one, and the grid starts anew there. Callback.
    public func runAgainNow() { unsafe table.run_again_now?(pointer) }

    // MARK: Columns of the session's record

    /// Sets a column of the session's record; the last value given to a name stands. Callback.
    ///
    /// At most 64 names of at most 128 bytes each; false past that, and for a name with a NUL. Names that begin with
    /// `cache.` are the host's.
    @discardableResult
    public func stat(_ name: String, _ value: some BinaryInteger) -> Bool {
        unsafe stat(name) { unsafe table.stat_int?(pointer, $0, Int64(clamping: value)) }
    }

    /// Sets a column to a number; what is not finite is kept as text. Callback.
    @discardableResult
    public func stat(_ name: String, _ value: Double) -> Bool {
        unsafe stat(name) { unsafe table.stat_double?(pointer, $0, value) }
    }

    /// Sets a column to a text. Callback.
    @discardableResult
    public func stat(_ name: String, _ value: String) -> Bool {
        unsafe stat(name) { name in
            unsafe value.withoutNUL.withCString { unsafe table.stat_string?(pointer, name, $0) }
        }
    }

    private func stat(_ name: String, _ set: (UnsafePointer<CChar>) -> Int32?) -> Bool {
        // Of a name with a NUL C would take the beginning, which is another column.
        if name.hasNUL { return false }
        return unsafe name.withCString(set) == Code.ok
    }
}
