internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Looks for good cycles of the routines whose configuration wants to be told of silence or recovery; of no other one.
final class QuietLook {
    /// How a routine stands.
    enum Standing {
        /// Nothing is expected of it.
        case rests
        /// A session with so many good cycles; 0 and 0 for none.
        case works(session: UInt64, good: UInt64)
    }

    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    private var watches: [String: QuietWatch] = [:]
    /// Asks how a routine stands; nil: it has gone.
    var standing: (String) -> Standing? = { _ in nil }
    /// Is told what there is to tell.
    var tell: (String, QuietWatch.Tidings) -> Void = { _, _ in }

    init(clock: any HostClock, deadlines: Deadlines) {
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] now in look(now) }
    }

    /// A program's routine is there, with these settings.
    func begin(_ identifier: String, _ settings: EffectiveSettings) {
        let silence = settings.onSilence.map { Int64(clamping: $0.afterMs) * 1_000_000 }
        let tellsRecovery = !settings.onRecoveryCommand.isEmpty
        if silence == nil, !tellsRecovery {
            watches[identifier] = nil
        } else {
            watches[identifier] = QuietWatch(silence: silence, tellsRecovery: tellsRecovery, now: clock.monotonic())
        }
        setTimer()
    }

    /// A session of it failed.
    func failed(_ identifier: String) {
        guard watches[identifier] != nil else { return }
        watches[identifier]?.failed(now: clock.monotonic())
        setTimer()
    }

    /// A session is over, with so many good cycles: they may have been too short to be looked at.
    func ended(_ identifier: String, session: UInt64, good: UInt64) {
        guard let tidings = watches[identifier]?.look(session: session, good: good, now: clock.monotonic()) else {
            return
        }
        tell(identifier, tidings)
    }

    private func look(_ now: MonotonicTime) {
        for (identifier, watch) in watches where watch.nextLook ?? .never <= now {
            switch standing(identifier) {
            case nil: watches[identifier] = nil
            case .rests: watches[identifier]?.rests(now: now)
            case .works(let session, let good):
                guard let tidings = watches[identifier]?.look(session: session, good: good, now: now) else { continue }
                tell(identifier, tidings)
            }
        }
        setTimer()
    }

    private func setTimer() {
        guard let timer else { return }
        deadlines.set(timer, at: watches.values.compactMap(\.nextLook).min())
    }
}
