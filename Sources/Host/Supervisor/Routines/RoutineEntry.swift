internal import HostCluster
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// One routine with its policy and its session, if one runs. A host may have 100 000 of them, so that what few have is in
/// objects of its own, and numbers are as small as they can be.
final class RoutineEntry {
    /// A session that has begun.
    struct Session {
        /// What few sessions have: the lease that they live by, and what the host has asked them to end for. Immutable, as a
        /// copy of the session has it too.
        private final class Rare: Sendable {
            let lease: LeaseGate.Grant?
            let ending: (kind: SessionEnd, text: String)?

            init(_ lease: LeaseGate.Grant?, _ ending: (kind: SessionEnd, text: String)?) {
                self.lease = lease
                self.ending = ending
            }
        }

        let id: SessionID
        let startMs: Int64
        let startBoot: BootTime
        let seat: Seat
        private var rare: Rare?

        init(id: SessionID, startMs: Int64, startBoot: BootTime, seat: Seat, lease: LeaseGate.Grant?) {
            self.id = id
            self.startMs = startMs
            self.startBoot = startBoot
            self.seat = seat
            rare = lease.map { Rare($0, nil) }
        }

        /// The lease with which it began; nil if it lives by none.
        var lease: LeaseGate.Grant? { rare?.lease }
        /// The kind of end for the record, if the host has asked the session to end.
        var endAs: SessionEnd? { rare?.ending?.kind }
        /// The text for the record in that case.
        var endText: String { rare?.ending?.text ?? "" }

        /// Notes that the host has asked it to end, for this reason.
        mutating func end(as kind: SessionEnd, _ text: String) { rare = Rare(lease, (kind, text)) }
    }

    /// The book's number for the routine, which is also its key in the hang watch.
    let key: Int
    let owner: ProgramEntry
    let settings: EffectiveSettings
    var policy: RestartPolicy
    var session: Session?
    /// When the routine ends for good, in UTC ms; nil if it does not.
    let untilMs: Int64?
    /// Whether a session should start as soon as a worker has the plugin.
    var isStartPending = false
    /// Whether a person has paused it, which persists across sessions, files and hosts.
    var isPaused = false
    private let number: Int32
    private let part: (index: Int32, count: Int32)
    /// The policy's timer; nil until the policy needs one.
    var timer: Deadlines.Timer?
    /// Whether its tally may have changed since `TallyKeeper` has looked. It stands here, as the next one does, because there is
    /// a gap between the two timers.
    var isTallyDue = false
    /// Whether `RoutineCensus` counts it among those that are alive.
    var isCountedAlive = false
    /// Limits the grace period of a session that was asked to end.
    var stopTimer: Deadlines.Timer?

    init(
        key: Int, owner: ProgramEntry, index: Int, shard: RoutineShard?, policy: RestartPolicy,
        settings: EffectiveSettings, untilMs: Int64?
    ) {
        self.key = key
        self.owner = owner
        number = Int32(clamping: index)
        part = (Int32(clamping: shard?.index ?? 0), Int32(clamping: shard?.count ?? 0))
        self.policy = policy
        self.settings = settings
        self.untilMs = untilMs
    }

    /// The routine's position in its plugin.
    var index: Int { Int(number) }
    /// Which part of the routine's work it is; nil: all of it.
    var shard: RoutineShard? { part.count > 0 ? RoutineShard(Int(part.index), of: Int(part.count)) : nil }

    /// What one host at a time holds of it; nil: it runs on each host.
    var claim: ClaimName? {
        switch settings.runOn {
        case .each: nil
        case .one, .shards:
            ClaimName(plugin: program.name, routine: program.routines[index].name, shard: shard?.index)
        }
    }

    /// Whether a session of it ends by itself.
    var hasEnd: Bool { settings.maxCycles > 0 || untilMs != nil }

    var program: Program { owner.program }
    /// The routine's name, with the number of the part that it is.
    var name: String { owner.program.name(of: index, shard) }
    /// `plugin/routine`.
    var identifier: String { owner.program.name + "/" + name }
    /// The key of the worker that runs it.
    var place: WorkerKey { owner.program.key(of: index, shard) }
    /// The order to load its plugin there.
    var load: Load { owner.program.load(for: index, shard) }
}

extension RoutineEntry {
    /// The running session, as the next host must know it if this host dies; nil if there is none.
    func openSession(of host: RoutineBook.Host) -> OpenSession? {
        guard let session else { return nil }
        return OpenSession(
            session: session.id, plugin: program.name, version: program.version, build: program.build, routine: name,
            pid: session.seat.pid, startMs: session.startMs, boot: host.boot, startBoot: session.startBoot,
            ledger: session.seat.ledger, slot: session.seat.slot, leaseToken: session.lease?.token, shard: shard)
    }

    /// The command that starts a session; `past` is what the records contain about earlier sessions.
    func order(for session: Session, _ past: RoutineBook.Past) -> WorkerCommand.Start {
        WorkerCommand.Start(
            slot: session.seat.slot, plugin: program.number, routine: index, session: session.id,
            waitMs: settings.waitMs, maxCycles: settings.maxCycles, untilMs: untilMs, onError: settings.onError,
            lifetimeCycles: past.cycles, before: past.end?.before ?? 0, parameters: settings.paramsJSON,
            isPaused: isPaused,
            caches: settings.caches, takesTurns: !settings.turns.areNone, leaseToken: session.lease?.token,
            shard: shard,
            timeoutMs: UInt64(max(0, settings.timeoutNanoseconds ?? 0) / 1_000_000))
    }

    /// The session as a subject of the hang watch; nil if there is none.
    var watched: HangInspector.Subject? {
        session.map {
            HangInspector.Subject(
                key: key, session: $0.id, seat: $0.seat, timeout: settings.timeoutNanoseconds, isPaused: isPaused)
        }
    }

    /// The ends that the worker may report for the session.
    func reportedEnd(of session: Session, wasTold: Bool) -> ReportedEnd {
        ReportedEnd(
            hasMaxCycles: settings.maxCycles > 0,
            hasEndTime: untilMs != nil || !settings.timing.schedules.isEmpty,
            wasAsked: session.endAs != nil || wasTold)
    }

    /// Makes a record with what is known here.
    func record(
        of session: Session, _ reason: SessionRecord.Reason, by host: RoutineBook.Host, _ clock: any HostClock
    ) -> SessionRecord {
        SessionRecord(
            session: session.id, plugin: program.name, pluginVersion: program.version, build: program.build,
            routine: name, host: host.name, pid: session.seat.pid, startMs: session.startMs,
            finishMs: clock.wallMilliseconds(),
            durationMs: max(0, clock.boot() - session.startBoot) / 1_000_000, cycles: 0, reason: reason,
            leaseToken: session.lease?.token, shard: shard)
    }
}

extension SessionRecord.Reason {
    /// A text that is equal for similar failures: the kind with the signal, frame or message, in which numbers are
    /// replaced.
    var cause: String {
        let text = text.reduce(into: "") { text, character in
            if !character.isNumber { text.append(character) } else if text.last != "#" { text.append("#") }
        }
        return [kind.name, signal, frame ?? (signal == nil ? text : nil)].compactMap { $0 }
            .joined(separator: " ")
    }
}

extension SessionEnd {
    /// How the next session sees this end, in the ABI's numbers.
    var before: UInt32 {
        switch self {
        case .maxCycles, .until, .endedByRoutine, .stopped, .reloaded, .removed, .quarantined, .handedOver: 1
        case .error: 2
        case .crash, .exit, .peerFailed, .hostDied: 3
        case .timeout, .leaseLost: 4
        }
    }
}

extension RestartPolicy {
    /// Whether a session runs or will run without further orders.
    var isAlive: Bool {
        switch state {
        case .waiting, .starting, .running, .ending: true
        case .idle, .complete, .stopped, .quarantined: false
        }
    }
}
