internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// The routines of a host and their sessions: when sessions begin, what follows from their end, and people's orders.
///
/// It is told about programs and about what happens to their sessions; the resulting actions wait in `take`. It starts
/// nothing itself: a session begins when the performer of `start` has found a seat for it.
final class RoutineBook {
    /// The host's identity, for the records.
    struct Host {
        /// The machine's name.
        var name: String
        /// The id of the boot.
        var boot: String
        /// The time in ns that running cycles get at a stop.
        var grace: Int64
    }

    /// What the records contain about a routine's earlier sessions.
    struct Past: Equatable {
        /// Their total cycles.
        var cycles: UInt64 = 0
        /// How the last one ended; nil if there was none.
        var end: SessionEnd?
    }

    /// A session that should begin.
    struct Start: Equatable {
        let routine: Int
        /// The routine's position in its plugin.
        let index: Int
        let load: Load
    }

    /// An action for the caller.
    enum Action: Equatable {
        /// Begin a session where its plugin is loaded, or have the plugin loaded; see `isWaiting`.
        case start(Start)
        /// Send a command to the worker of a session.
        case send(WorkerCommand, Seat)
        /// End the worker of a session that was asked to end and has used up its grace period; if so, log `say`.
        case endOverdue(Seat, identifier: String, say: String)
        /// End the worker of a stuck session; if so, log `say`.
        case endHung(Seat, WorkerFleet.Standstill, identifier: String, say: String)
        /// The worker of that key may have become unused.
        case release(WorkerKey)
        /// A session, or an attempt at one, has ended. Keep the file `report` as the crash report of the record. The
        /// settings are those of the session's routine; nil if the routine is unknown.
        ///
        /// Indirect, since it is by far the largest of the actions, and thousands may wait together.
        indirect case record(SessionRecord, report: String?, settings: EffectiveSettings?)
        /// Log this line about a routine. It is an action so that it follows the line of a record that came before.
        case say(LogLevel, identifier: String, String)
        /// This crash report belongs to no record.
        case dropReport(String)
        /// A routine was quarantined; `why` is the reason.
        case quarantined(String, why: String)
    }

    let clock: any HostClock
    let deadlines: Deadlines
    let log: any LogSink
    let host: Host
    let ledgers: any LedgerSource
    private let tallies: TallyKeeper
    /// What is remembered of schedules across hosts.
    let memory: ScheduleMemory
    var sessionIDs = SessionIDGenerator()
    var random: any RandomNumberGenerator
    let hangs: HangInspector
    var programs: [Int: ProgramEntry] = [:]
    var routines = NumberedTable<RoutineEntry>()
    /// The routines that have a session, by its id.
    var running: [SessionID: RoutineEntry] = [:]
    /// The routines that run on one host only.
    var leases = LeasedEntries()
    /// The totals of ended sessions.
    var totals = RoutineTotalsTable()
    private(set) var census = RoutineCensus()
    private var legacies = RoutineLegacies()
    private var hasChanged = false
    private(set) var isStopping = false
    private var nextKey = 0
    var actions: [Action] = []

    /// Makes a book with the tallies of the previous host. `random` spreads restarts and makes ids of sessions.
    init(
        host: Host, ledgers: any LedgerSource, tallies: any TallyFile, memory: ScheduleMemory = ScheduleMemory(),
        clock: any HostClock, deadlines: Deadlines, log: any LogSink,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.random = random
        self.host = host
        self.ledgers = ledgers
        self.tallies = TallyKeeper(tallies, clock: clock, deadlines: deadlines, log: log)
        self.memory = memory
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        hangs = HangInspector(ledgers: ledgers, clock: clock, deadlines: deadlines)
        hangs.look = { [unowned self] in lookForHangs() }
        self.tallies.routine = { [unowned self] in routines[$0] }
        self.tallies.saveMore = { memory.save() }
    }

    /// The actions since the last call, in order.
    func take() -> [Action] {
        defer { actions = [] }
        return actions
    }

    // MARK: Programs

    /// Adds a program; its routines begin if their policies say so.
    func add(_ program: Program) {
        let entry = ProgramEntry(program)
        programs[program.number] = entry
        for index in program.routines.indices {
            for shard in program.routines[index].settings.shards { add(index, shard, of: entry) }
        }
        for routine in entry.routines {
            if routine.settings.isEnabled {
                tell(routine, .fileChanged(content: program.routines[routine.index].content))
            } else {
                log.write(.info, routine.identifier, "not started: its configuration says enabled: false")
            }
        }
    }

    private func add(_ index: Int, _ shard: RoutineShard?, of entry: ProgramEntry) {
        let settings = entry.program.routines[index].settings
        let id = entry.program.name + "/" + entry.program.name(of: index, shard)
        let tally = tallies.saved[id]
        var policy =
            if let tally {
                RestartPolicy(
                    shared: settings.restart, restoring: tally, at: clock.monotonic(), wall: clock.wall())
            } else {
                RestartPolicy(shared: settings.restart)
            }
        let legacy = legacies.take(id)
        policy.pace = legacy.pace
        let routine = RoutineEntry(
            key: nextKey, owner: entry, index: index, shard: shard, policy: policy, settings: settings,
            untilMs: settings.until.moment(nowMs: clock.wallMilliseconds()))
        nextKey += 1
        routine.isPaused = legacy.isPaused ?? tally?.isPaused ?? false
        entry.routines.append(routine)
        routines[routine.key] = routine
        leases.add(routine)
        totals.came(id)
        changed(routine)
        if policy.state == .quarantined {
            log.write(.warning, id, "still quarantined: \(policy.quarantine?.why ?? "")")
        }
        if routine.isPaused { log.write(.info, id, "still paused: schedhost resume \(id) lets it go on") }
    }

    /// Changes the keys of the routines' contents, under which their tallies are kept. Nothing starts or ends.
    func reword(_ program: Program) {
        guard let entry = programs[program.number], entry.program.routines.count == program.routines.count else {
            return
        }
        entry.program = program
        for routine in entry.routines where routine.policy.renamed(to: program.routines[routine.index].content) {
            changed(routine)
        }
    }

    /// Ends what runs of a program; `kind` becomes the kind of end in its sessions' records.
    func retire(_ number: Int, as kind: SessionEnd, _ text: String) {
        guard let entry = programs[number], !entry.isRetired else { return }
        entry.isRetired = true
        for routine in entry.routines {
            if let timer = routine.timer { deadlines.set(timer, at: nil) }
            leases.note(routine)
            endSession(of: routine, as: kind, text)
        }
    }

    /// Whether a session of a program runs.
    func hasSessions(_ number: Int) -> Bool { programs[number].map { $0.sessions > 0 } ?? false }

    /// Forgets retired programs that have no sessions any more.
    func forget(_ numbers: Set<Int>) {
        saveTallies()
        var left: [(String, RoutineLegacies.Legacy)] = []
        for number in numbers {
            for routine in programs.removeValue(forKey: number)?.takeRoutines() ?? [] {
                for timer in [routine.timer, routine.stopTimer] { if let timer { deadlines.remove(timer) } }
                hangs.remove(routine.key)
                routines[routine.key] = nil
                leases.remove(routine)
                census.remove(routine)
                let isKnown = (tallies.saved[routine.identifier]?.isPaused ?? false) == routine.isPaused
                left.append(
                    (routine.identifier, .init(isPaused: isKnown ? nil : routine.isPaused, pace: routine.policy.pace)))
            }
        }
        totals.went(left.map(\.0), at: clock.monotonic())
        legacies.leave(left, at: clock.monotonic())
    }

    // MARK: Queries

    /// Whether anything has changed since the last call.
    func takeChange() -> Bool {
        defer { hasChanged = false }
        return hasChanged
    }

    /// Whether no routine runs or is about to.
    var isIdle: Bool {
        census.alive == 0 && running.isEmpty && !routines.values.contains { $0.isStartPending }
    }

    /// Whether a routine of these programs runs, or will run, in the worker of that key.
    func wants(_ key: WorkerKey, _ plugins: Set<Int>) -> Bool {
        plugins.contains { number in
            guard let entry = programs[number], !entry.isRetired else { return false }
            // What waits for the lease of one part of a routine has no worker.
            return entry.routines.contains {
                $0.policy.isAlive && $0.place == key && ($0.shard == nil || !mustWait($0))
            }
        }
    }

    /// The running sessions, as the next host must know them if this host dies.
    var openSessions: [OpenSession] { routines.values.compactMap { $0.openSession(of: host) } }

    /// The settings of a routine of an active program.
    func settings(of identifier: String) -> EffectiveSettings? {
        routines.values.first { $0.identifier == identifier && !$0.owner.isRetired }?.settings
    }

    // MARK: Policies

    /// Passes an event to a routine's policy, and performs its actions.
    func tell(_ routine: RoutineEntry, _ event: RestartPolicy.Event) {
        let wasAlive = routine.policy.isAlive
        // Workers do not report good cycles one by one: while one would end a row of failures, the ledger is asked.
        if event == .timerFired, routine.policy.isOnProbation, let session = routine.session,
            let snapshot = ledgers.snapshot(session.seat), snapshot.session == session.id.rawValue,
            snapshot.goodCycles > 0
        {
            perform(routine.policy.handle(.goodCycle, at: clock.monotonic(), using: &random), for: routine)
        }
        perform(routine.policy.handle(event, at: clock.monotonic(), using: &random), for: routine)
        arm(routine, at: isStopping ? nil : routine.policy.nextDeadline)
        leases.note(routine)
        changed(routine)
        if wasAlive, !routine.policy.isAlive { actions.append(.release(routine.place)) }
    }

    /// Sets the routine's timer to the policy's deadline. The timer is made when it is first needed.
    private func arm(_ routine: RoutineEntry, at time: MonotonicTime?) {
        guard routine.timer != nil || time != nil else { return }
        let timer = routine.timer ?? deadlines.make { [unowned self, unowned routine] _ in tell(routine, .timerFired) }
        routine.timer = timer
        deadlines.set(timer, at: time)
    }

    private func perform(_ actions: [RestartPolicy.Action], for routine: RoutineEntry) {
        for action in actions {
            switch action {
            case .startNow: start(routine)
            case .startAt(let time): startLater(routine, at: time)
            case .quarantine(let quarantine, let now):
                let message = quarantine.message(of: routine.identifier, at: now)
                log.write(.error, routine.identifier, message)
                tallies.note(routine)
                saveTallies()
                endSession(of: routine, as: .quarantined, message)
                // If a session still runs, its record will report the quarantine.
                if routine.session == nil { self.actions.append(.quarantined(routine.identifier, why: message)) }
            case .lift: log.write(.info, routine.identifier, "no longer quarantined")
            case .recover(let trouble):
                let time = DurationText.format(milliseconds: max(0, clock.monotonic() - trouble.since) / 1_000_000)
                let what = "\(trouble.count) \(trouble.count == 1 ? "failure" : "failures")"
                log.write(.success, routine.identifier, "good again after \(what) in \(time): \(trouble.cause)")
            }
        }
    }

    private func startLater(_ routine: RoutineEntry, at time: MonotonicTime) {
        let delay = max(0, time - clock.monotonic()) / 1_000_000
        if let until = routine.untilMs, clock.wallMilliseconds() + delay >= until {
            log.write(.info, routine.identifier, "not started again: its until comes before that")
            return tell(routine, .tooLate)
        }
        // A shortage of the host is logged once, not at each retry.
        if let trouble = routine.policy.trouble, trouble.fault == .host, trouble.count > 1 { return }
        if isStopping { return }
        actions.append(
            .say(
                .info, identifier: routine.identifier, "starts again in \(DurationText.format(milliseconds: delay))"))
    }

    // MARK: Hangs

    /// Inspects all sessions for stuck ones.
    private func lookForHangs() {
        for finding in hangs.observe(routines.values.compactMap { $0.watched }) {
            guard let routine = routines[finding.key], let session = routine.session else { continue }
            actions.append(
                .endHung(session.seat, finding.end, identifier: routine.identifier, say: finding.what))
        }
    }

    // MARK: Tallies

    /// Notes that a person has paused a routine, or has resumed it.
    func setPaused(_ routine: RoutineEntry, _ isPaused: Bool) {
        guard routine.isPaused != isPaused else { return }
        routine.isPaused = isPaused
        changed(routine)
    }

    private func changed(_ routine: RoutineEntry) {
        hasChanged = true
        census.note(routine)
        tallies.note(routine)
    }

    /// Saves the policies' state for the next host if it has changed; returns the error if that fails.
    @discardableResult
    func saveTallies() -> SystemError? { tallies.save() }

    // MARK: The end of the host

    /// Does what is left to do in each round of the loop.
    func settle() { hangs.arm() }

    /// Prevents all further starts, because the host ends.
    func stop() {
        isStopping = true
        for routine in routines.values {
            routine.isStartPending = false
            if let timer = routine.timer { deadlines.set(timer, at: nil) }
            // Times are saved by the wall clock, which may have been set since a routine has changed.
            tallies.note(routine)
        }
    }
}
