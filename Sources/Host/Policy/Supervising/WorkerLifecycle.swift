public import HostValues

/// The life cycle of a worker process, from its start to the verdict on its death.
///
/// Pure: the owner of the process reports events with the monotonic time, and performs the actions. Between events,
/// nothing happens before `nextDeadline`, when `deadline` is due. The table below has, for each event and state, the
/// next state, followed by letters for the actions. A dot means that nothing changes.
///
/// In the table a worker in state `descr` has one load in progress; in `serve` and in all later states it has a
/// session. A shared worker may load a plugin while sessions run; that counts as `descr`.
///
///     event       start   descr   ready   serve   ask     leave   term    kill    hung    hungK   crash   silent  exam    dead
///     load        descr   .       descr   descr   .       .       .       .       .       .       .       .       .       .
///     session     serve   .       serve   .       .       .       .       .       .       .       .       .       .       .
///     answer      .g      readyp  .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g
///     over        .g      .g      .g      readyp  .p      .p      .p      .p      .p      .p      .p      .p      .g      .g
///     goodbye     .g      .g      .g      .g      leave   .g      .g      .g      .g      .g      .g      .g      .g      .g
///     nonsense    .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g      .g
///     closed      silent  silent  silent  silent  .       .       .       .       .       .       .       .       .       .
///     end         askq    askq    askq    askq    .       .       .       .       hung    hungK   .       .       .       .
///     end now     killK   killK   killK   killK   killK   killK   killK   .       hungKK  .       killK   killK   .       .
///     overdue     .       .       .       termT   .       .       .       .       .       .       .       .       .       .
///     mute        .       .       .       killK   .       .       .       .       .       .       .       .       .       .
///     flood       killK   killK   killK   killK   .       .       .       .       .       .       .       .       .       .
///     hang        .       .       .       hunga   hunga   .       .       .       .       .       .       .       .       .
///     no thread   .       .       .       .       .       .       .       .       hungKK  .       .       .       .       .
///     fatal       crash   crash   crash   crash   crash   crash   .       .       .       .       .       .       .       .
///     stuck       killK   killK   killK   killK   killK   killK   killK   .       hungKK  .       killK   killK   .       .
///     deadline    .       hunga   .       .       termT   termT   killK   killA   hungKK  hungKA  killK   killK   deadV   .
///     exited      examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   .       .
///     report      .       .       .       .       .       .       .       .       .       .       .       .       deadV   .
///
///     p: pass the message on   g: report an impossible message (once)   q: tell it to quit   T: SIGTERM   K: SIGKILL
///     a: SIGABRT to the thread   A: give the process up   E: examine what it left   V: give the verdict
public struct WorkerLifecycle: Equatable, Sendable {
    /// The state of a worker.
    public enum State: Equatable, Sendable {
        /// The worker has not been given anything to do yet.
        case starting
        /// The worker loads a plugin or reads its description. The load in progress has until this time.
        case describing(until: MonotonicTime)
        /// All loads are complete, and no session runs.
        case ready
        /// Sessions run.
        case serving
        /// The worker must end, or is dying.
        case ending(WorkerEnding)
        /// The process is gone. The crash report is awaited until this time.
        case examined(Death, until: MonotonicTime)
        /// The verdict has been given.
        case dead
    }

    /// The events: orders to the worker, messages from it, and observations.
    public enum Event: Equatable, Sendable {
        /// The worker was sent a plugin to load, which may take `limit` ns once earlier loads are complete.
        case load(plugin: Int, limit: Int64)
        /// The worker was sent a session to begin.
        case session(slot: Int, SessionID)
        /// The worker reports that it has loaded, described or refused a plugin.
        case answer(plugin: Int)
        /// The worker reports that a session has ended.
        case sessionOver(slot: Int, SessionID)
        /// The worker says goodbye.
        case goodbye
        /// A line on the channel is not an event, or one that is impossible.
        case nonsense
        /// The channel is closed.
        case channelClosed
        /// The worker must end after its current cycles. If this is reported again, the first grace period still
        /// applies.
        case end
        /// The worker must end at once.
        case endNow
        /// The session was asked to end, and has exceeded its grace period.
        case overdue(slot: Int)
        /// The session has ended according to the ledger, but the worker does not report that.
        case mute(slot: Int)
        /// Its plugin writes on the channel without end, or keeps it from being read.
        case channelAbuse(ChannelAbuse)
        /// A callback of the session has exceeded its timeout, in the thread with this kernel id; 0 means unknown.
        case hang(slot: Int, thread: Int32)
        /// The thread that was to abort does not exist.
        case noThread
        /// The crash page says that the worker received a fatal signal.
        case fatalSignal
        /// The worker is dead but cannot be reaped.
        case stuck
        /// The time of `nextDeadline` has come. Has no effect if it has not.
        case deadline
        /// The process has ended; the values are how, and what it left.
        case exited(WorkerEnd, Remains)
        /// The crash report has been read, or does not exist.
        case report(Report)
    }

    /// The actions for the owner, in the order of execution.
    public enum Action: Equatable, Sendable {
        /// Pass on the worker's message, which is plausible.
        case pass
        /// Report that the worker sent an impossible message. This happens once for each worker.
        case sayGarbage
        /// Tell the worker to quit: it starts no new cycle, and sets `stop_requested` in running ones.
        case quit
        /// Send SIGTERM to the worker.
        case terminate
        /// Send SIGKILL to the worker and its process group.
        case kill
        /// Send SIGABRT to this thread of the worker; see tgkill(2).
        case abort(thread: Int32)
        /// Stop watching the process, which may remain a zombie. Then report `exited` with `unreaped`.
        case giveUp
        /// Read the crash report, if there is one, and report `report`.
        case examine
        /// The worker is dead, with these consequences.
        case verdict(Verdict)
    }

    struct Load: Equatable, Sendable {
        let plugin: Int
        let limit: Int64
    }

    /// The grace period for running cycles before SIGTERM, in ns.
    public let grace: Int64
    /// The state of the worker.
    public private(set) var state = State.starting
    /// The loads that the worker has not answered yet, in order; the first one is in progress.
    var loads: [Load] = []
    /// The sessions that run in the worker, by slot.
    public private(set) var sessions: [Int: SessionID] = [:]
    private var loadUntil = MonotonicTime.never
    private var hasSpoiledChannel = false

    /// Creates the life cycle of a worker that was just started. `grace` is in ns; a negative one counts as 0.
    public init(grace: Int64 = 10_000_000_000) {
        self.grace = max(grace, 0)
    }

    /// The plugins whose loads the worker has not answered yet, in order.
    public var loading: [Int] { loads.map(\.plugin) }

    /// Whether the worker can be given something to do.
    public var isOpen: Bool {
        switch state {
        case .starting, .describing, .ready, .serving: true
        case .ending, .examined, .dead: false
        }
    }

    /// When `deadline` is due; nil if there is no deadline.
    public var nextDeadline: MonotonicTime? {
        switch state {
        case .describing(let until): until
        case .ending(let ending): ending.deadline
        case .examined(_, let until): until
        case .starting, .ready, .serving, .dead: nil
        }
    }

    /// Handles an event at a monotonic time, and returns the actions.
    public mutating func handle(_ event: Event, at now: MonotonicTime) -> [Action] {
        switch event {
        case .load(let plugin, let limit): ordered(at: now) { $0.loads.append(Load(plugin: plugin, limit: limit)) }
        case .session(let slot, let id): ordered(at: now) { $0.sessions[slot] = id }
        case .answer(let plugin): heardAnswer(plugin, at: now)
        case .sessionOver(let slot, let id): heardOver(slot, id, at: now)
        case .goodbye: heardGoodbye()
        case .nonsense: garbage()
        case .channelClosed: end(WorkerEnding.silence(at: now)) { $0.loseChannel(at: now) }
        case .end: end(WorkerEnding.told(grace: grace, at: now)) { $0.tell() }
        case .endNow: end(WorkerEnding.killed(.told, at: now)) { $0.kill(.told, at: now) }
        case .overdue(let slot): sessions[slot] == nil ? [] : end(WorkerEnding.overdue(slot: slot, at: now)) { _ in [] }
        case .mute(let slot):
            sessions[slot] == nil ? [] : end(WorkerEnding.killed(.mute(slot: slot), at: now)) { _ in [] }
        case .channelAbuse(let abuse): end(WorkerEnding.killed(.channelAbused(abuse), at: now)) { _ in [] }
        case .hang(let slot, let thread): sessions[slot] == nil ? [] : hang(.session(slot: slot), thread, at: now)
        case .noThread: withEnding { $0.missThread(at: now) }
        case .fatalSignal: end(WorkerEnding.crash(at: now)) { $0.crash(at: now) }
        case .stuck: end(WorkerEnding.killed(.stuck, at: now)) { $0.kill(.stuck, at: now) }
        case .deadline: nextDeadline.map { $0 <= now } == true ? passDeadline(at: now) : []
        case .exited(let end, let remains): exited(end, remains, at: now)
        case .report(let report): examined(report)
        }
    }
}

// MARK: Orders and messages

extension WorkerLifecycle {
    /// Sets the state of a worker that does not end, according to its loads and sessions.
    private mutating func settle(at now: MonotonicTime, isNext: Bool = false) {
        if isNext || loads.count == 1 && loadUntil == .never {
            loadUntil = loads.first.map { now + $0.limit } ?? .never
        }
        state = loads.isEmpty ? sessions.isEmpty ? .ready : .serving : .describing(until: loadUntil)
    }

    private mutating func ordered(at now: MonotonicTime, _ change: (inout Self) -> Void) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving:
            change(&self)
            settle(at: now)
        case .ending, .examined, .dead: break
        }
        return []
    }

    private mutating func heardAnswer(_ plugin: Int, at now: MonotonicTime) -> [Action] {
        guard loads.first?.plugin == plugin else { return garbage() }
        switch state {
        case .starting, .describing, .ready, .serving:
            loads.removeFirst()
            settle(at: now, isNext: true)
        case .ending: loads.removeFirst()
        case .examined, .dead: return garbage()
        }
        return [.pass]
    }

    private mutating func heardOver(_ slot: Int, _ id: SessionID, at now: MonotonicTime) -> [Action] {
        guard sessions[slot] == id else { return garbage() }
        switch state {
        case .starting, .describing, .ready, .serving:
            sessions[slot] = nil
            settle(at: now)
        case .ending: sessions[slot] = nil
        case .examined, .dead: return garbage()
        }
        return [.pass]
    }

    private mutating func heardGoodbye() -> [Action] {
        guard case .ending(var ending) = state, ending.sayGoodbye() else { return garbage() }
        state = .ending(ending)
        return []
    }

    private mutating func garbage() -> [Action] {
        if hasSpoiledChannel { return [] }
        hasSpoiledChannel = true
        return [.sayGarbage]
    }
}

// MARK: End

extension WorkerLifecycle {
    /// Begins the end of a worker that has not begun to end; otherwise applies `goOn` to the current end.
    private mutating func end(_ beginning: WorkerEnding.Beginning, or goOn: (inout WorkerEnding) -> [Action])
        -> [Action]
    {
        switch state {
        case .starting, .describing, .ready, .serving:
            state = .ending(beginning.ending)
            return beginning.actions
        case .ending, .examined, .dead: return withEnding(goOn)
        }
    }

    private mutating func withEnding(_ change: (inout WorkerEnding) -> [Action]) -> [Action] {
        guard case .ending(var ending) = state else { return [] }
        let actions = change(&ending)
        state = .ending(ending)
        return actions
    }

    private mutating func hang(_ place: WorkerEnding.Place, _ thread: Int32?, at now: MonotonicTime) -> [Action] {
        end(WorkerEnding.hang(place, thread: thread, at: now)) { $0.hang(place, thread: thread, at: now) }
    }

    private mutating func passDeadline(at now: MonotonicTime) -> [Action] {
        switch state {
        case .starting, .ready, .serving, .dead: []
        case .describing: loads.first.map { hang(.load(plugin: $0.plugin), nil, at: now) } ?? []
        case .ending: withEnding { $0.passDeadline(at: now) }
        case .examined: examined(Report())
        }
    }

    private mutating func exited(_ end: WorkerEnd, _ remains: Remains, at now: MonotonicTime) -> [Action] {
        let manner: Death.Manner
        switch state {
        case .starting, .describing, .ready, .serving: manner = .failed(wasTold: false)
        case .ending(let ending): manner = ending.manner(of: end)
        case .examined, .dead: return []
        }
        let death = Death(
            manner: manner, end: end, remains: remains, loads: loads.map(\.plugin), sessions: sessions)
        state = .examined(death, until: now + WorkerEnding.reportTime)
        return [.examine]
    }

    private mutating func examined(_ report: Report) -> [Action] {
        switch state {
        case .examined(let death, _):
            state = .dead
            loads = []
            sessions = [:]
            return [.verdict(Verdict(on: death, report))]
        case .starting, .describing, .ready, .serving, .ending, .dead: return []
        }
    }
}
