internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// One routine with its policy and, while one runs, its session.
final class RoutineEntry {
    /// A session that has begun.
    struct Session {
        let id: SessionID
        let startMs: Int64
        let startBoot: BootTime
        let seat: Seat
        /// The kind for the record when the session ends because we asked.
        var endAs: SessionEnd?
        /// The text that goes with it.
        var endText = ""
    }

    /// The book's number for it, the hang watch's key.
    let key: Int
    let owner: ProgramEntry
    let index: Int
    let settings: EffectiveSettings
    var policy: RestartPolicy
    var session: Session?
    /// The policy's, once it has wanted one.
    var timer: Deadlines.Timer?
    /// Until when a session that was asked to end may take.
    var stopTimer: Deadlines.Timer?
    /// A start is wanted as soon as a worker has the plugin.
    var isStartPending = false
    /// A person has paused it: a new session, file or host changes nothing about that.
    var isPaused = false
    /// When it is over for good, UTC ms.
    let untilMs: Int64?

    init(key: Int, owner: ProgramEntry, index: Int, policy: RestartPolicy, settings: EffectiveSettings, untilMs: Int64?)
    {
        self.key = key
        self.owner = owner
        self.index = index
        self.policy = policy
        self.settings = settings
        self.untilMs = untilMs
    }

    var program: Program { owner.program }
    var name: String { owner.program.routines[index].name }
    /// `plugin/routine`.
    var identifier: String { owner.program.name + "/" + name }
    /// Where it runs.
    var place: WorkerKey { owner.program.key(of: index) }
}

extension RoutineEntry {
    /// What the next host must know of the session that runs, should this one die.
    func openSession(of host: RoutineBook.Host) -> OpenSession? {
        guard let session else { return nil }
        return OpenSession(
            session: session.id, plugin: program.name, version: program.version, build: program.build, routine: name,
            pid: session.seat.pid, startMs: session.startMs, boot: host.boot, startBoot: session.startBoot,
            ledger: session.seat.ledger, slot: session.seat.slot)
    }

    /// What the worker is told of a session; `past` is what the records say of those before it.
    func order(for session: Session, _ past: RoutineBook.Past) -> WorkerCommand.Start {
        WorkerCommand.Start(
            slot: session.seat.slot, plugin: program.number, routine: index, session: session.id,
            waitMs: settings.waitMs, maxCycles: settings.maxCycles, untilMs: untilMs, onError: settings.onError,
            lifetimeCycles: past.cycles, before: past.end?.before ?? 0, parameters: settings.paramsJSON,
            isPaused: isPaused,
            caches: settings.caches, takesTurns: !settings.turns.areNone)
    }

    /// Its session as the hang watch looks at it.
    var watched: HangLook.Subject? {
        session.map {
            HangLook.Subject(
                key: key, session: $0.id, seat: $0.seat, timeout: settings.timeoutNanoseconds, isPaused: isPaused)
        }
    }

    /// What its worker may report of the end of its session.
    func reportedEnd(of session: Session, wasTold: Bool) -> ReportedEnd {
        ReportedEnd(
            hasMaxCycles: settings.maxCycles > 0,
            hasEndTime: untilMs != nil || !settings.timing.schedules.isEmpty,
            wasAsked: session.endAs != nil || wasTold)
    }

    /// A record with what is known here.
    func record(
        of session: Session, _ reason: SessionRecord.Reason, by host: RoutineBook.Host, _ clock: any HostClock
    ) -> SessionRecord {
        SessionRecord(
            session: session.id, plugin: program.name, pluginVersion: program.version, build: program.build,
            routine: name, host: host.name, pid: session.seat.pid, startMs: session.startMs,
            finishMs: clock.wallMilliseconds(),
            durationMs: max(0, clock.boot() - session.startBoot) / 1_000_000, cycles: 0, reason: reason)
    }
}

extension SessionRecord.Reason {
    /// What groups failures: the kind with the signal, frame or text, in which numbers do not count.
    var cause: String {
        let text = text.reduce(into: "") { text, character in
            if !character.isNumber { text.append(character) } else if text.last != "#" { text.append("#") }
        }
        return [kind.name, signal, frame ?? (signal == nil ? text : nil)].compactMap { $0 }
            .joined(separator: " ")
    }
}

extension SessionEnd {
    /// What the next session learns of this one, in the ABI's numbers.
    var before: UInt32 {
        switch self {
        case .maxCycles, .until, .endedByRoutine, .stopped, .reloaded, .removed, .quarantined: 1
        case .error: 2
        case .crash, .exit, .peerFailed, .hostDied: 3
        case .timeout: 4
        }
    }
}

extension RestartPolicy {
    /// Whether a session runs or will, as things stand.
    var isAlive: Bool {
        switch state {
        case .waiting, .starting, .running, .ending: true
        case .idle, .complete, .stopped, .quarantined: false
        }
    }
}
