internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Reads what sessions count in workers.
protocol LedgerSource: AnyObject {
    /// What the ledger says of a session's slot: of whichever session.
    func snapshot(_ seat: Seat) -> LedgerSnapshot?
    /// The bytes of a session's slot.
    func slotBytes(_ seat: Seat) -> [UInt8]?
}

extension WorkerFleet: LedgerSource {}

/// Looks into ledgers for callbacks that are over their time, when `HangWatch` says that there may be one.
final class HangLook {
    /// A callback that is over its time.
    struct Finding {
        /// The kernel's id of its thread; 0: not known.
        var thread: Int32
        /// What to say of it.
        var what: String
    }

    /// The least time between two looks, ns: whatever ledgers say, the host does not spin.
    private static let leastTime: Int64 = 1_000_000
    /// How late a timer may be, ns. What makes it later is not this program's own work: nothing ran.
    private static let lateness: Int64 = 1_000_000_000

    /// Looks at all sessions: each is given to `observe`.
    var look: () -> Void = {}
    private let ledgers: any LedgerSource
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var watch = HangWatch<Int>()
    private var timer: Deadlines.Timer?
    /// When the timer is to come; and, where that is only half-way, when the next look is.
    private var due = Int64.max
    private var nextLook: Int64?
    /// There may be an earlier time to look at than the timer has.
    private var isNew = false

    init(ledgers: any LedgerSource, clock: any HostClock, deadlines: Deadlines) {
        self.ledgers = ledgers
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] _ in wake() }
    }

    private func wake() {
        let now = clock.monotonic()
        let wasHeldUp = now - due > Self.lateness
        if wasHeldUp { watch.forgive(at: ClockReading(boot: clock.boot(), monotonic: now)) }
        if !wasHeldUp, let nextLook, nextLook > now {
            self.nextLook = nil
            return set(at: nextLook)
        }
        look()
        isNew = true
        arm()
    }

    private func set(at time: Int64?) {
        due = time ?? .max
        if let timer { deadlines.set(timer, at: time) }
    }

    /// A session begins.
    func begin(_ key: Int, _ session: SessionID, at boot: Int64, _ timeout: Int64?) {
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        _ = watch.observe(
            key,
            .init(state: .waiting, session: session.rawValue, cycle: 0, began: boot, due: boot, timeout: timeout),
            at: now)
        isNew = true
    }

    /// Looks at one session; tells of a callback once.
    func observe(_ key: Int, _ session: SessionID, _ seat: Seat, _ timeout: Int64?) -> Finding? {
        let snapshot = ledgers.snapshot(seat).flatMap { $0.session == session.rawValue ? $0 : nil }
        let boot = clock.boot()
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        // A ledger that a plugin has spoiled says nothing: the session has one timeout to end by itself.
        let observed =
            snapshot?.hangSnapshot(timeout: timeout)
            ?? .init(state: .busy, session: session.rawValue, cycle: .max, began: 0, due: .max, timeout: timeout)
        guard watch.observe(key, observed, at: now) != nil else { return nil }
        let what =
            snapshot.map { "\($0.phase?.word ?? "callback") of cycle \($0.cycle)" } ?? "a callback that hides itself"
        return Finding(thread: snapshot?.thread ?? 0, what: "\(what) is over its time: ending its worker")
    }

    /// A session is over.
    func remove(_ key: Int) { watch.remove(key) }

    /// Sets the time of the next look. Once a round of the loop: it takes time in the number of sessions.
    func arm() {
        guard isNew else { return }
        isNew = false
        let boot = clock.boot()
        let now = clock.monotonic()
        let next = watch.nextLook(at: ClockReading(boot: boot, monotonic: now))
        nextLook = next.map { max($0.monotonic, now + Self.leastTime) }
        // Half-way too, for no more than to see whether the timer is on time: a callback of which nothing ran for half of its
        // time is not taken for one that hangs.
        let halfway = nextLook.map { now + ($0 - now) / 2 }
        set(at: halfway.map { $0 - now > Self.lateness ? $0 : nextLook ?? $0 })
    }
}
