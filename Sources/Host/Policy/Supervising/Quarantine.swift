public import HostValues

/// That a routine is shut out: in force, or on trial while a probe runs. Each probe that fails puts the next one further
/// away.
public struct Quarantine: Equatable, Sendable {
    /// Why, in one line.
    public let why: String
    /// When the probe starts; nil: only a person or a changed file ends it.
    public let probeAt: MonotonicTime?
    /// How many probes failed.
    let step: Int

    private static let lastStep = 1_000

    /// Shut out from now on, or again, where `before` was on trial. Without a probe when it is not `isProbed`, or the
    /// settings have none.
    init(_ why: String, after before: Quarantine?, isProbed: Bool, by settings: RestartSettings, at now: MonotonicTime)
    {
        let step = before.map { min($0.step, Self.lastStep) + 1 } ?? 0
        let delay = isProbed ? settings.probeDelayMs(step: step) : nil
        self.why = why
        self.step = step
        probeAt = delay.map { now + Int64(nanosecondsFrom: $0) }
    }

    /// What a person is told when it begins.
    func message(of id: String, at now: MonotonicTime) -> String {
        let next =
            probeAt.map { time in
                let delay = UInt64(max(0, (time - now)) / 1_000_000)
                return "the host tries it again in \(DurationText.exact(milliseconds: delay))"
            } ?? "the host does not retry it"
        return "\(id) is quarantined: \(why); replace its file, or run `schedhost resume \(id)`; \(next)"
    }

    // MARK: From host to host

    /// As an earlier host left it. The probe comes when it would have come there, but no later than by its own delay.
    init(restoring old: RoutineTally.Quarantine, by settings: RestartSettings, at moment: RoutineTally.Moment) {
        let step = min(max(old.step, 0), Self.lastStep)
        self.step = step
        why = oneLine(old.why, limit: 400)
        if let wanted = old.probeAtMs, let delay = settings.probeDelayMs(step: step) {
            probeAt = moment.monotonic(futureMs: wanted, within: Int64(nanosecondsFrom: delay))
        } else {
            probeAt = nil
        }
    }

    /// What the next host must know of it.
    func saved(at moment: RoutineTally.Moment) -> RoutineTally.Quarantine {
        RoutineTally.Quarantine(why: why, probeAtMs: probeAt.map { moment.wallMs(future: $0) }, step: step)
    }
}
