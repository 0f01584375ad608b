internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Reads the sessions' counts in the ledgers of workers.
protocol LedgerSource: AnyObject {
    /// The state in a session's slot of the ledger. The caller must check whose session it is.
    func snapshot(_ seat: Seat) -> LedgerSnapshot?
    /// The bytes of a session's slot.
    func slotBytes(_ seat: Seat) -> LedgerBytes?
}

extension WorkerFleet: LedgerSource {}

/// Inspects ledgers for stuck sessions, whenever `HangWatch` says that there may be one.
final class HangInspector {
    /// A session to inspect.
    struct Subject {
        /// The session's key in the hang watch.
        var key: Int
        var session: SessionID
        var seat: Seat
        /// How long a callback may take, in ns; nil means without limit.
        var timeout: Int64?
        /// Whether a person has paused it, so that no cycle is due.
        var isPaused: Bool
    }

    /// A stuck session.
    struct Finding: Equatable {
        /// The key of the `Subject`.
        var key: Int
        /// How the session is stuck, which decides how its worker is ended.
        var end: WorkerFleet.Standstill
        /// The message for the log.
        var what: String
    }

    /// The shortest time between two inspections, in ns, so that no content of a ledger can make the host spin.
    private static let leastTime: Int64 = 1_000_000
    /// How late a timer may be, in ns. More cannot be caused by this program's own work: nothing was running.
    private static let lateness: Int64 = 1_000_000_000

    /// Inspects all sessions by passing them to `observe`; set by the owner.
    var look: () -> Void = {}
    private let ledgers: any LedgerSource
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var watch = HangWatch()
    private var trust = SlotTrust()
    private var timer: Deadlines.Timer?
    /// When the timer is set to; and the next inspection, if the timer comes half-way before it.
    private var due = MonotonicTime.never
    private var nextCheck: MonotonicTime?
    /// Whether an inspection may be due earlier than the timer.
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
        if !wasHeldUp, let nextCheck, nextCheck > now {
            self.nextCheck = nil
            return set(at: nextCheck)
        }
        look()
        isNew = true
        arm()
    }

    private func set(at time: MonotonicTime?) {
        due = time ?? .never
        if let timer { deadlines.set(timer, at: time) }
    }

    /// Starts to watch a session.
    func begin(_ key: Int, _ session: SessionID, at boot: BootTime, _ timeout: Int64?) {
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        _ = watch.observe(
            key,
            .init(state: .waiting, session: session.rawValue, cycle: 0, began: boot, due: boot, timeout: timeout),
            at: now)
        isNew = true
    }

    /// Inspects all sessions; returns each stuck one once.
    func observe(_ subjects: [Subject], mayTell: Bool = true) -> [Finding] {
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
            let lost = snapshot.flatMap { trust.lost(subject.key, $0, at: boot) }
            var observed = Self.observed(subject, snapshot)
            if let lost { observed.began = max(observed.began, lost) }
            observed.isBehind = busy[subject.seat.worker] != nil
            return watch.observe(subject.key, observed, at: now, mayTell: mayTell).map {
                Self.finding($0, subject, snapshot, isTrusted: lost == nil)
            }
        }
    }

    /// Notes that a session's worker was asked to go on; with `now`, to begin a cycle at once.
    func asked(_ subject: Subject, now isNow: Bool) {
        _ = observe([subject], mayTell: false)
        let boot = clock.boot()
        if isNow { watch.ask(subject.key, at: ClockReading(boot: boot, monotonic: clock.monotonic())) }
        isNew = true
    }

    private static func observed(_ subject: Subject, _ snapshot: LedgerSnapshot?) -> HangWatch.Snapshot {
        // A ledger that the plugin has overwritten contains no information: the session gets one timeout to end by
        // itself.
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
        _ hang: HangWatch.Hang, _ subject: Subject, _ snapshot: LedgerSnapshot?, isTrusted: Bool
    ) -> Finding {
        let doubt =
            isTrusted
            ? "" : "; its ledger was written on since its session began, so that this may be another process's word"
        let time = DurationText.format(milliseconds: hang.running / 1_000_000)
        switch hang.kind {
        case .callback:
            var what = "a callback that hides itself"
            if let snapshot { what = "\(snapshot.phase?.word ?? "callback") of cycle \(snapshot.cycle)" }
            return Finding(
                key: subject.key, end: .hang(thread: snapshot?.thread ?? 0),
                what: "\(what) is over its time: ending its worker" + doubt)
        case .standstill:
            return Finding(
                key: subject.key, end: .hang(thread: 0),
                what:
                    "cycle \(hang.cycle) does not begin, \(time) after it was due: its worker stands still, and is ended"
                    + doubt)
        case .silence:
            return Finding(
                key: subject.key, end: .mute,
                what: "its session is over, and its worker does not say so: ending that" + doubt)
        }
    }

    /// A session is over.
    func remove(_ key: Int) {
        watch.remove(key)
        trust.remove(key)
    }

    /// Sets the time of the next inspection. Call it once in each round of the loop.
    func arm() {
        guard isNew else { return }
        isNew = false
        let boot = clock.boot()
        let now = clock.monotonic()
        let next = watch.nextCheck(at: ClockReading(boot: boot, monotonic: now))
        nextCheck = next.map { max($0.monotonic, now + Self.leastTime) }
        // The timer also comes half-way, only to check whether it is on time: if nothing could run for half of a
        // callback's time, that callback is not taken for a hanging one.
        let halfway = nextCheck.map { now + ($0 - now) / 2 }
        set(at: halfway.map { $0 - now > Self.lateness ? $0 : nextCheck ?? $0 })
    }
}
