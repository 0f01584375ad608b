internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Watches for silence and recovery, in those routines only whose configuration wants to be notified of one of them.
final class SilenceMonitor {
    /// What a routine is doing.
    enum Activity {
        /// It is not expected to do anything.
        case rests
        /// It has a session with so many good cycles; 0 and 0 if it has none at present.
        case works(session: UInt64, good: UInt64)
    }

    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    private var watches: [String: QuietWatch] = [:]
    /// When the timer fires; `never` if it is not set.
    private var next = MonotonicTime.never
    /// Checks that are due within so many ns are made together, since each look goes through all routines.
    private static let pace: Int64 = 100_000_000
    /// Returns what those routines are doing that are not gone. Set by the owner.
    var activities: (Set<String>) -> [String: Activity] = { _ in [:] }
    /// Receives the notifications. Set by the owner.
    var tell: (String, QuietWatch.Notice) -> Void = { _, _ in }

    init(clock: any HostClock, deadlines: Deadlines) {
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] now in look(now) }
    }

    /// Starts to watch a routine, if its settings ask for it.
    func begin(_ identifier: String, _ settings: EffectiveSettings) {
        let silence = settings.onSilence.map { Int64(clamping: $0.afterMs) * 1_000_000 }
        let tellsRecovery = !settings.onRecoveryCommand.isEmpty
        if silence == nil, !tellsRecovery {
            watches[identifier] = nil
        } else {
            watches[identifier] = QuietWatch(silence: silence, tellsRecovery: tellsRecovery, now: clock.monotonic())
        }
        setTimer(by: watches[identifier])
    }

    /// Notes that a session of the routine failed.
    func failed(_ identifier: String) {
        guard watches[identifier] != nil else { return }
        watches[identifier]?.failed(now: clock.monotonic())
        setTimer(by: watches[identifier])
    }

    /// Notes the end of a session and the number of its good cycles, since it may have been too short to be inspected.
    func ended(_ identifier: String, session: UInt64, good: UInt64) {
        guard let notice = watches[identifier]?.look(session: session, good: good, now: clock.monotonic()) else {
            return
        }
        tell(identifier, notice)
    }

    private func look(_ now: MonotonicTime) {
        next = .never
        let due = watches.filter { $0.value.nextCheck ?? .never <= now }
        let found = activities(Set(due.keys))
        for identifier in due.keys {
            switch found[identifier] {
            case nil: watches[identifier] = nil
            case .rests: watches[identifier]?.rests(now: now)
            case .works(let session, let good):
                guard let notice = watches[identifier]?.look(session: session, good: good, now: now) else { continue }
                tell(identifier, notice)
            }
        }
        let earliest = watches.values.reduce(MonotonicTime.never) { min($0, $1.nextCheck ?? .never) }
        setTimer(at: max(earliest, now + Self.pace))
    }

    /// Sets the timer for a routine too. If the timer then fires too early, it is set again.
    private func setTimer(by watch: QuietWatch?) {
        if let check = watch?.nextCheck { setTimer(at: check) }
    }

    private func setTimer(at time: MonotonicTime) {
        guard time < next, let timer else { return }
        next = time
        deadlines.set(timer, at: time)
    }
}
