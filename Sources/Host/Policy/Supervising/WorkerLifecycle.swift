public import HostValues

/// The life of one worker process, from its start to the verdict on its death.
///
/// Pure: whoever owns the process tells what happened, with the monotonic time in ns, and does what is answered.
/// Between events nothing needs doing before `nextDeadline`; then `deadline` is due. The table has for each event and
/// each state the state after it, then what is to be done. A dot changes nothing.
///
/// In it a worker that describes has one load in progress; one that serves, and all that come after it, has a session.
/// A load may also be in progress beside sessions (in a shared worker): that counts as describing.
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
///     hang        .       .       .       hunga   hunga   .       .       .       .       .       .       .       .       .
///     no thread   .       .       .       .       .       .       .       .       hungKK  .       .       .       .       .
///     fatal       crash   crash   crash   crash   crash   crash   .       .       .       .       .       .       .       .
///     stuck       killK   killK   killK   killK   killK   killK   killK   .       hungKK  .       killK   killK   .       .
///     deadline    .       hunga   .       .       termT   termT   killK   killA   hungKK  hungKA  killK   killK   deadV   .
///     exited      examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   examE   .       .
///     report      .       .       .       .       .       .       .       .       .       .       .       .       deadV   .
///
///     p: pass on what it said   g: it cannot have said that (told once)   q: tell it to quit   T: SIGTERM   K: SIGKILL
///     a: SIGABRT to the thread   A: give the process up   E: examine what it left   V: the verdict
public struct WorkerLifecycle: Equatable, Sendable {
    /// Where a worker is in its life.
    public enum State: Equatable, Sendable {
        /// It was given nothing to do yet.
        case starting
        /// It loads a plugin, or reads its description; the load in progress may take until that time.
        case describing(until: MonotonicTime)
        /// What it was to load is loaded, and no session runs.
        case ready
        /// Sessions run.
        case serving
        /// It is to end, or dies by itself.
        case ending(WorkerEnding)
        /// The process is gone. Its report is awaited until that time.
        case examined(Death, until: MonotonicTime)
        /// The verdict was given.
        case dead
    }

    /// What was ordered, happened, or was heard.
    public enum Event: Equatable, Sendable {
        /// It was sent a plugin to load, which may take `limit` ns once its turn comes.
        case load(plugin: Int, limit: Int64)
        /// It was sent a session to begin.
        case session(slot: Int, SessionID)
        /// It says that it has loaded, described or refused a plugin.
        case answer(plugin: Int)
        /// It says that a session is over.
        case sessionOver(slot: Int, SessionID)
        /// It says that it leaves.
        case goodbye
        /// A line on its channel is no event, or one that cannot be.
        case nonsense
        /// Its channel is closed.
        case channelClosed
        /// It is to end when its cycles have. The first grace counts.
        case end
        /// It is to end at once.
        case endNow
        /// The session was asked to end, and had its grace.
        case overdue(slot: Int)
        /// The session is over by the ledger, and it does not say so.
        case mute(slot: Int)
        /// A callback of the session is over its time, in the thread with that id of the kernel's (0: not known).
        case hang(slot: Int, thread: Int32)
        /// The thread that was to abort is not there.
        case noThread
        /// Its crash page says that a fatal signal has hit it.
        case fatalSignal
        /// It is dead and cannot be reaped.
        case stuck
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case deadline
        /// The process ended: how, and what it left.
        case exited(WorkerEnd, Remains)
        /// Its crash report is read, or there is none.
        case report(Report)
    }

    /// What to do, in this order.
    public enum Action: Equatable, Sendable {
        /// What it said is possible: tell it on.
        case pass
        /// Say, once a worker, that it said what it cannot have said.
        case sayGarbage
        /// Tell the worker to quit: no new cycle, `stop_requested` in those that run.
        case quit
        /// SIGTERM to the worker.
        case terminate
        /// SIGKILL to the worker and its process group.
        case kill
        /// SIGABRT to this thread of the worker. tgkill(2).
        case abort(thread: Int32)
        /// Watch the process no more: it may stay a zombie. Tell `exited` with `unreaped`.
        case giveUp
        /// Read the crash report, if there is one, and tell `report`.
        case examine
        /// It is dead, and that is what follows.
        case verdict(Verdict)
    }

    struct Load: Equatable, Sendable {
        let plugin: Int
        let limit: Int64
    }

    /// What running cycles get before SIGTERM, ns.
    public let grace: Int64
    /// Where it is in its life.
    public private(set) var state = State.starting
    /// What it was sent to load and has not answered, in order: the first is in progress.
    var loads: [Load] = []
    /// The sessions that run in it, by their slots.
    public private(set) var sessions: [Int: SessionID] = [:]
    private var loadUntil = MonotonicTime.never
    private var hasSpoiledChannel = false

    /// A worker that was just started. `grace` is in ns; below 0 is 0.
    public init(grace: Int64 = 10_000_000_000) {
        self.grace = max(grace, 0)
    }

    /// The plugins that it was sent to load and has not answered, in order.
    public var loading: [Int] { loads.map(\.plugin) }

    /// Whether it can be given something to do.
    public var isOpen: Bool {
        switch state {
        case .starting, .describing, .ready, .serving: true
        case .ending, .examined, .dead: false
        }
    }

    /// When `deadline` is due.
    public var nextDeadline: MonotonicTime? {
        switch state {
        case .describing(let until): until
        case .ending(let ending): ending.deadline
        case .examined(_, let until): until
        case .starting, .ready, .serving, .dead: nil
        }
    }

    /// Takes one event at a monotonic time; returns what to do.
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

// MARK: What it is given, and what it says

extension WorkerLifecycle {
    /// The state of a worker that is not to end, by what it has to do.
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

// MARK: Its end

extension WorkerLifecycle {
    /// What begins the end of a worker that has none yet, or goes on with the one that it has.
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
