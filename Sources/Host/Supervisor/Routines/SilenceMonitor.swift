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

    /// Where a routine is found without looking through all of them.
    struct Place: Hashable {
        /// The number of its program.
        let program: Int
        /// Its position in `Program.parts`.
        let position: Int
    }

    private struct Watch {
        var quiet: QuietWatch
        let place: Place
    }

    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    private var watches: [String: Watch] = [:]
    /// When the timer fires; `never` if it is not set.
    private var next = MonotonicTime.never
    /// Checks that are due within so many ns are made together, since each look goes through all that are watched.
    private static let pace: Int64 = 100_000_000
    /// Returns what a routine is doing; nil if it is gone. Set by the owner.
    var activity: (Place) -> Activity? = { _ in nil }
    /// Receives the notifications. Set by the owner.
    var tell: (String, Place, QuietWatch.Notice) -> Void = { _, _, _ in }
    /// How many routines are watched.
    var count: Int { watches.count }

    init(clock: any HostClock, deadlines: Deadlines) {
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] now in look(now) }
    }

    /// Starts to watch a routine, if its settings ask for it.
    func begin(_ identifier: String, _ settings: EffectiveSettings, at place: Place) {
        let silence = settings.onSilence.map { Int64(clamping: $0.afterMs) * 1_000_000 }
        let tellsRecovery = !settings.onRecoveryCommand.isEmpty
        if silence == nil, !tellsRecovery {
            watches[identifier] = nil
        } else {
            let quiet = QuietWatch(silence: silence, tellsRecovery: tellsRecovery, now: clock.monotonic())
            watches[identifier] = Watch(quiet: quiet, place: place)
        }
        setTimer(by: watches[identifier]?.quiet)
    }

    /// Watches the routines of these programs no longer, which are gone.
    func forget(_ programs: Set<Int>) {
        if !watches.isEmpty { watches = watches.filter { !programs.contains($0.value.place.program) } }
    }

    /// Notes that a session of the routine failed.
    func failed(_ identifier: String) {
        guard watches[identifier] != nil else { return }
        watches[identifier]?.quiet.failed(now: clock.monotonic())
        setTimer(by: watches[identifier]?.quiet)
    }

    /// Notes the end of a session and the number of its good cycles, since it may have been too short to be inspected.
    func ended(_ identifier: String, session: UInt64, good: UInt64) {
        guard let place = watches[identifier]?.place,
            let notice = watches[identifier]?.quiet.look(session: session, good: good, now: clock.monotonic())
        else { return }
        tell(identifier, place, notice)
    }

    private func look(_ now: MonotonicTime) {
        next = .never
        for (identifier, watch) in watches.filter({ $0.value.quiet.nextCheck ?? .never <= now }) {
            switch activity(watch.place) {
            case nil: watches[identifier] = nil
            case .rests: watches[identifier]?.quiet.rests(now: now)
            case .works(let session, let good):
                guard let notice = watches[identifier]?.quiet.look(session: session, good: good, now: now) else {
                    continue
                }
                tell(identifier, watch.place, notice)
            }
        }
        let earliest = watches.values.reduce(MonotonicTime.never) { min($0, $1.quiet.nextCheck ?? .never) }
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
