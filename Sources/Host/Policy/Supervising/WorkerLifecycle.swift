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
        case describing(until: Int64)
        /// What it was to load is loaded, and no session runs.
        case ready
        /// Sessions run.
        case serving
        /// It is to end.
        case ending(Why, Step)
        /// A callback is over its time. `wasTold`: it was told to end before.
        case hung(Place, HangStep, wasTold: Bool)
        /// It dies by itself, or is dead and not examined yet.
        case dying(Dying)
        /// The verdict was given.
        case dead
    }

    /// Why it is to end.
    public enum Why: Equatable, Sendable {
        /// Nobody needs it any more.
        case told
        /// The session in that slot was asked to end, and did not within the grace.
        case overdue(slot: Int)
        /// A fatal signal has hit it, and its crash report does not come to an end.
        case crashed
        /// It lives on without the channel: it executed another program, or closed it.
        case left
        /// It is dead, and cannot be reaped: another process traces it.
        case stuck
    }

    /// How far its end has gone.
    public enum Step: Equatable, Sendable {
        /// It was told to quit.
        case asked(terminateAt: Int64)
        /// It says goodbye: no session runs, and the plugins' destructors do.
        case leaving(terminateAt: Int64)
        /// It has its SIGTERM.
        case terminated(killAt: Int64)
        /// It has its SIGKILL. What cannot be reaped by that time is given up.
        case killed(giveUpAt: Int64)
    }

    /// What is over its time.
    public enum Place: Equatable, Sendable {
        /// A callback of the session in that slot.
        case session(slot: Int)
        /// The load of that plugin.
        case load(plugin: Int)
    }

    /// How far the end of a worker that hangs has gone.
    public enum HangStep: Equatable, Sendable {
        /// The thread was told to abort, so that the crash report shows where it is.
        case aborting(killAt: Int64)
        /// It has its SIGKILL.
        case killed(giveUpAt: Int64)
    }

    /// How it dies.
    public enum Dying: Equatable, Sendable {
        /// A fatal signal has hit it: it writes its crash report.
        case crashing(killAt: Int64)
        /// It has closed its channel: it is about to exit, or has become another program.
        case silent(killAt: Int64)
        /// The process is gone. Its report is awaited until that time.
        case examined(Death, until: Int64)
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

    /// The time from SIGTERM to SIGKILL, and from SIGABRT to SIGKILL, ns.
    public static let patience: Int64 = 2_000_000_000
    /// The time for a crash report, ns.
    public static let reportTime: Int64 = 10_000_000_000
    /// The time from the end of the channel to that of the process, ns.
    public static let silenceTime: Int64 = 200_000_000
    /// The time from SIGKILL until the process is given up, ns.
    public static let reapTime: Int64 = 5_000_000_000

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
    private var loadUntil: Int64 = .max
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
        case .ending, .hung, .dying, .dead: false
        }
    }

    /// When `deadline` is due, monotonic.
    public var nextDeadline: Int64? {
        switch state {
        case .describing(let until): until
        case .ending(_, .asked(let time)), .ending(_, .leaving(let time)), .ending(_, .terminated(let time)),
            .ending(_, .killed(let time)), .hung(_, .aborting(let time), _), .hung(_, .killed(let time), _),
            .dying(.crashing(let time)), .dying(.silent(let time)), .dying(.examined(_, let time)):
            time
        case .starting, .ready, .serving, .dead: nil
        }
    }

    /// Takes one event at a monotonic time; returns what to do.
    public mutating func handle(_ event: Event, at now: Int64) -> [Action] {
        switch event {
        case .load(let plugin, let limit): ordered(at: now) { $0.loads.append(Load(plugin: plugin, limit: limit)) }
        case .session(let slot, let id): ordered(at: now) { $0.sessions[slot] = id }
        case .answer(let plugin): heardAnswer(plugin, at: now)
        case .sessionOver(let slot, let id): heardOver(slot, id, at: now)
        case .goodbye: heardGoodbye()
        case .nonsense: garbage()
        case .channelClosed: channelClosed(at: now)
        case .end: end(at: now)
        case .endNow: endNow(as: .told, at: now)
        case .overdue(let slot): overdue(slot, at: now)
        case .hang(let slot, let thread): hang(slot, thread, at: now)
        case .noThread: noThread(at: now)
        case .fatalSignal: fatalSignal(at: now)
        case .stuck: endNow(as: .stuck, at: now)
        case .deadline: nextDeadline.map { $0 <= now } == true ? passDeadline(at: now) : []
        case .exited(let end, let remains): exited(end, remains, at: now)
        case .report(let report): examined(report)
        }
    }
}

// MARK: What it is given, and what it says

extension WorkerLifecycle {
    /// The state of a worker that is not to end, by what it has to do.
    private mutating func settle(at now: Int64, isNext: Bool = false) {
        if isNext || loads.count == 1 && loadUntil == .max {
            loadUntil = loads.first.map { now.clampedPlus($0.limit) } ?? .max
        }
        state = loads.isEmpty ? sessions.isEmpty ? .ready : .serving : .describing(until: loadUntil)
    }

    private mutating func ordered(at now: Int64, _ change: (inout Self) -> Void) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving:
            change(&self)
            settle(at: now)
        case .ending, .hung, .dying, .dead: break
        }
        return []
    }

    private mutating func heardAnswer(_ plugin: Int, at now: Int64) -> [Action] {
        guard loads.first?.plugin == plugin else { return garbage() }
        switch state {
        case .starting, .describing, .ready, .serving:
            loads.removeFirst()
            settle(at: now, isNext: true)
        case .ending, .hung, .dying(.crashing), .dying(.silent): loads.removeFirst()
        case .dying(.examined), .dead: return garbage()
        }
        return [.pass]
    }

    private mutating func heardOver(_ slot: Int, _ id: SessionID, at now: Int64) -> [Action] {
        guard sessions[slot] == id else { return garbage() }
        switch state {
        case .starting, .describing, .ready, .serving:
            sessions[slot] = nil
            settle(at: now)
        case .ending, .hung, .dying(.crashing), .dying(.silent): sessions[slot] = nil
        case .dying(.examined), .dead: return garbage()
        }
        return [.pass]
    }

    private mutating func heardGoodbye() -> [Action] {
        switch state {
        case .ending(let why, .asked(let time)):
            state = .ending(why, .leaving(terminateAt: time))
            return []
        case .starting, .describing, .ready, .serving, .ending(_, .leaving), .ending(_, .terminated),
            .ending(_, .killed), .hung, .dying, .dead:
            return garbage()
        }
    }

    private mutating func garbage() -> [Action] {
        if hasSpoiledChannel { return [] }
        hasSpoiledChannel = true
        return [.sayGarbage]
    }
}

// MARK: Its end

extension WorkerLifecycle {
    private mutating func channelClosed(at now: Int64) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving:
            state = .dying(.silent(killAt: now.clampedPlus(Self.silenceTime)))
        case .ending(let why, .asked(let time)):
            // It ends without a goodbye, as one does that crashes on its way out. It was told to end all the same.
            state = .ending(why, .asked(terminateAt: min(time, now.clampedPlus(Self.silenceTime))))
        case .ending(_, .leaving), .ending(_, .terminated), .ending(_, .killed), .hung, .dying, .dead: break
        }
        return []
    }

    private mutating func end(at now: Int64) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving:
            state = .ending(.told, .asked(terminateAt: now.clampedPlus(grace)))
            return [.quit]
        case .hung(let place, let step, _):
            state = .hung(place, step, wasTold: true)
            return []
        case .ending, .dying, .dead: return []
        }
    }

    /// SIGKILL, unless it has that already.
    private mutating func endNow(as why: Why, at now: Int64) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving: kill(why, at: now)
        case .ending(_, .killed), .hung(_, .killed, _), .dying(.examined), .dead: []
        case .ending(let first, .asked), .ending(let first, .leaving), .ending(let first, .terminated):
            kill(first, at: now)
        case .hung(let place, .aborting, let wasTold): killHung(place, wasTold, at: now)
        case .dying(.crashing): kill(.crashed, at: now)
        case .dying(.silent): kill(why == .stuck ? .stuck : .left, at: now)
        }
    }

    private mutating func overdue(_ slot: Int, at now: Int64) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving:
            guard sessions[slot] != nil else { return [] }
            state = .ending(.overdue(slot: slot), .terminated(killAt: now.clampedPlus(Self.patience)))
            return [.terminate]
        case .ending, .hung, .dying, .dead: return []
        }
    }

    private mutating func hang(_ slot: Int, _ thread: Int32, at now: Int64) -> [Action] {
        guard sessions[slot] != nil else { return [] }
        switch state {
        case .starting, .describing, .ready, .serving:
            return abort(.session(slot: slot), thread, wasTold: false, at: now)
        case .ending(_, .asked): return abort(.session(slot: slot), thread, wasTold: true, at: now)
        case .ending(_, .leaving), .ending(_, .terminated), .ending(_, .killed), .hung, .dying, .dead: return []
        }
    }

    private mutating func noThread(at now: Int64) -> [Action] {
        switch state {
        case .hung(let place, .aborting, let wasTold): killHung(place, wasTold, at: now)
        case .starting, .describing, .ready, .serving, .ending, .hung(_, .killed, _), .dying, .dead: []
        }
    }

    private mutating func fatalSignal(at now: Int64) -> [Action] {
        switch state {
        case .starting, .describing, .ready, .serving, .ending(_, .asked), .ending(_, .leaving):
            state = .dying(.crashing(killAt: now.clampedPlus(Self.reportTime)))
        case .ending(_, .terminated), .ending(_, .killed), .hung, .dying, .dead: break
        }
        return []
    }

    private mutating func passDeadline(at now: Int64) -> [Action] {
        switch state {
        case .starting, .ready, .serving, .dead: return []
        case .describing:
            guard let load = loads.first else { return [] }
            return abort(.load(plugin: load.plugin), nil, wasTold: false, at: now)
        case .ending(let why, .asked), .ending(let why, .leaving):
            state = .ending(why, .terminated(killAt: now.clampedPlus(Self.patience)))
            return [.terminate]
        case .ending(let why, .terminated): return kill(why, at: now)
        case .hung(let place, .aborting, let wasTold): return killHung(place, wasTold, at: now)
        case .ending(let why, .killed):
            state = .ending(why, .killed(giveUpAt: .max))
            return [.giveUp]
        case .hung(let place, .killed, let wasTold):
            state = .hung(place, .killed(giveUpAt: .max), wasTold: wasTold)
            return [.giveUp]
        case .dying(.crashing): return kill(.crashed, at: now)
        case .dying(.silent): return kill(.left, at: now)
        case .dying(.examined): return examined(Report())
        }
    }

    private mutating func kill(_ why: Why, at now: Int64) -> [Action] {
        state = .ending(why, .killed(giveUpAt: now.clampedPlus(Self.reapTime)))
        return [.kill]
    }

    private mutating func killHung(_ place: Place, _ wasTold: Bool, at now: Int64) -> [Action] {
        state = .hung(place, .killed(giveUpAt: now.clampedPlus(Self.reapTime)), wasTold: wasTold)
        return [.kill]
    }

    /// The thread of a load is the main one, whose id the performer knows: nil.
    private mutating func abort(_ place: Place, _ thread: Int32?, wasTold: Bool, at now: Int64) -> [Action] {
        if let thread, thread <= 0 { return killHung(place, wasTold, at: now) }
        state = .hung(place, .aborting(killAt: now.clampedPlus(Self.patience)), wasTold: wasTold)
        return [.abort(thread: thread ?? 0)]
    }
}

// MARK: Its death

extension WorkerLifecycle {
    private mutating func exited(_ end: WorkerEnd, _ remains: Remains, at now: Int64) -> [Action] {
        guard let manner = manner(of: end) else { return [] }
        let death = Death(
            manner: manner, end: end, remains: remains, loads: loads.map(\.plugin), sessions: sessions)
        state = .dying(.examined(death, until: now.clampedPlus(Self.reportTime)))
        return [.examine]
    }

    /// How the process came to that end; nil when it is known already.
    private func manner(of end: WorkerEnd) -> Death.Manner? {
        switch state {
        case .starting, .describing, .ready, .serving, .dying(.crashing), .dying(.silent): .failed(wasTold: false)
        case .ending(.told, .asked): end == .exited(0) ? .inOrder(saidGoodbye: false) : .failed(wasTold: true)
        case .ending(.told, .leaving): end == .exited(0) ? .inOrder(saidGoodbye: true) : .failed(wasTold: true)
        case .ending(.told, .terminated), .ending(.told, .killed): .late
        case .ending(.overdue(let slot), _): .overdue(slot: slot)
        case .ending(.crashed, _), .ending(.stuck, _): .failed(wasTold: false)
        case .ending(.left, _): .left
        case .hung(let place, _, _): .timeout(place)
        case .dying(.examined), .dead: nil
        }
    }

    private mutating func examined(_ report: Report) -> [Action] {
        switch state {
        case .dying(.examined(let death, _)):
            state = .dead
            loads = []
            sessions = [:]
            return [.verdict(Verdict(on: death, report))]
        case .starting, .describing, .ready, .serving, .ending, .hung, .dying(.crashing), .dying(.silent), .dead:
            return []
        }
    }
}
