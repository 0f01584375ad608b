public import HostValues

/// The quarantine of a routine, which is in force, or on trial while a probe runs. Each failed probe delays the next
/// one further.
public struct Quarantine: Equatable, Sendable {
    /// Why, in one line.
    public let why: String
    /// When the probe starts; nil means that only a person or a changed file ends the quarantine.
    public let probeAt: MonotonicTime?
    /// The number of failed probes.
    let step: Int

    private static let lastStep = 1_000

    /// Creates a quarantine from now on; `before` is the previous one, if its probe failed. There is no probe if
    /// `isProbed` is false or the settings have none.
    init(_ why: String, after before: Quarantine?, isProbed: Bool, by settings: RestartSettings, at now: MonotonicTime)
    {
        let step = before.map { min($0.step, Self.lastStep) + 1 } ?? 0
        let delay = isProbed ? settings.probeDelayMs(step: step) : nil
        self.why = why
        self.step = step
        probeAt = delay.map { now + Int64(nanosecondsFrom: $0) }
    }

    /// The message to a person at its beginning; `id` is the routine's, `plugin/routine`.
    public func message(of id: String, at now: MonotonicTime) -> String {
        let next =
            probeAt.map { time in
                let delay = UInt64(max(0, (time - now)) / 1_000_000)
                return "the host tries it again in \(DurationText.exact(milliseconds: delay))"
            } ?? "the host does not retry it"
        return "\(id) is quarantined: \(why); replace its file, or run `schedhost resume \(id)`; \(next)"
    }

    // MARK: Persistence between hosts

    /// Restores the quarantine that an earlier host saved. The probe starts at the saved time, but no later than its
    /// own delay from now.
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

    /// The part that the next host must know.
    func saved(at moment: RoutineTally.Moment) -> RoutineTally.Quarantine {
        RoutineTally.Quarantine(why: why, probeAtMs: probeAt.map { moment.wallMs(future: $0) }, step: step)
    }
}
