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

/// Looks into ledgers for sessions that do not go on, when `HangWatch` says that there may be one.
final class HangLook {
    /// A session that is looked at.
    struct Subject {
        /// The watch's key.
        var key: Int
        var session: SessionID
        var seat: Seat
        /// How long a callback may take, ns; nil for ever.
        var timeout: Int64?
        /// A person has paused it: between callbacks nothing is due.
        var isPaused: Bool
    }

    /// A session that does not go on.
    struct Finding: Equatable {
        /// Its `Subject`'s key.
        var key: Int
        /// What becomes of its worker.
        var end: WorkerFleet.Standstill
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
    private var due = MonotonicTime.never
    private var nextLook: MonotonicTime?
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

    private func set(at time: MonotonicTime?) {
        due = time ?? .never
        if let timer { deadlines.set(timer, at: time) }
    }

    /// A session begins.
    func begin(_ key: Int, _ session: SessionID, at boot: BootTime, _ timeout: Int64?) {
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        _ = watch.observe(
            key,
            .init(state: .waiting, session: session.rawValue, cycle: 0, began: boot, due: boot, timeout: timeout),
            at: now)
        isNew = true
    }

    /// Looks at all sessions; tells of what does not go on once.
    func observe(_ subjects: [Subject]) -> [Finding] {
        let snapshots = subjects.map { subject in
            ledgers.snapshot(subject.seat).flatMap { $0.session == subject.session.rawValue ? $0 : nil }
        }
        var busy: [WorkerID: Int] = [:]
        for (subject, snapshot) in zip(subjects, snapshots) where snapshot?.isInPlugin == true {
            busy[subject.seat.worker, default: 0] += 1
        }
        let boot = clock.boot()
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        return zip(subjects, snapshots).compactMap { subject, snapshot in
            var observed = Self.observed(subject, snapshot)
            observed.isBehind = busy[subject.seat.worker] != nil
            return watch.observe(subject.key, observed, at: now).map { Self.finding($0, subject, snapshot) }
        }
    }

    /// The worker of a session was asked to go on, with `now` to begin a cycle at once.
    func asked(_ subject: Subject, now isNow: Bool) {
        _ = observe([subject])
        let boot = clock.boot()
        if isNow { watch.ask(subject.key, at: ClockReading(boot: boot, monotonic: clock.monotonic())) }
        isNew = true
    }

    private static func observed(_ subject: Subject, _ snapshot: LedgerSnapshot?) -> HangWatch<Int>.Snapshot {
        // A ledger that a plugin has spoiled says nothing: the session has one timeout to end by itself.
        guard let snapshot else {
            return .init(
                state: .busy, session: subject.session.rawValue, cycle: .max, began: .longAgo, due: .never,
                timeout: subject.timeout)
        }
        var observed = snapshot.hangSnapshot(timeout: subject.timeout)
        if subject.isPaused, observed.state == .waiting { observed.state = .idle }
        return observed
    }

    private static func finding(
        _ hang: HangWatch<Int>.Hang, _ subject: Subject, _ snapshot: LedgerSnapshot?
    ) -> Finding {
        let time = DurationText.format(milliseconds: hang.running / 1_000_000)
        switch hang.kind {
        case .callback:
            var what = "a callback that hides itself"
            if let snapshot { what = "\(snapshot.phase?.word ?? "callback") of cycle \(snapshot.cycle)" }
            return Finding(
                key: subject.key, end: .hang(thread: snapshot?.thread ?? 0),
                what: "\(what) is over its time: ending its worker")
        case .standstill:
            return Finding(
                key: subject.key, end: .hang(thread: 0),
                what:
                    "cycle \(hang.cycle) does not begin, \(time) after it was due: its worker stands still, and is ended"
            )
        case .silence:
            return Finding(
                key: subject.key, end: .mute,
                what: "its session is over, and its worker does not say so: ending that")
        }
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
