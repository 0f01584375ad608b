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
    /// Returns what a routine is doing; nil if it is gone. Set by the owner.
    var activity: (String) -> Activity? = { _ in nil }
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
        setTimer()
    }

    /// Notes that a session of the routine failed.
    func failed(_ identifier: String) {
        guard watches[identifier] != nil else { return }
        watches[identifier]?.failed(now: clock.monotonic())
        setTimer()
    }

    /// Notes the end of a session and the number of its good cycles, since it may have been too short to be inspected.
    func ended(_ identifier: String, session: UInt64, good: UInt64) {
        guard let notice = watches[identifier]?.look(session: session, good: good, now: clock.monotonic()) else {
            return
        }
        tell(identifier, notice)
    }

    private func look(_ now: MonotonicTime) {
        for (identifier, watch) in watches where watch.nextCheck ?? .never <= now {
            switch activity(identifier) {
            case nil: watches[identifier] = nil
            case .rests: watches[identifier]?.rests(now: now)
            case .works(let session, let good):
                guard let notice = watches[identifier]?.look(session: session, good: good, now: now) else { continue }
                tell(identifier, notice)
            }
        }
        setTimer()
    }

    private func setTimer() {
        guard let timer else { return }
        deadlines.set(timer, at: watches.values.compactMap(\.nextCheck).min())
    }
}
