public import HostValues

/// The end of a worker: from the moment when it must end, or begins to die, until its process is gone.
///
/// Each end proceeds in steps with deadlines, up to SIGKILL and finally to giving up a process that cannot be reaped.
/// So no end takes forever. The original reason is kept to the last step, because the records of the sessions state it.
/// This type knows neither loads nor sessions.
public enum WorkerEnding: Equatable, Sendable {
    /// The worker must end.
    case wanted(Why, Step)
    /// A callback has exceeded its timeout. `wasTold` is whether the worker had been told to end before.
    case hung(Place, HangStep, wasTold: Bool)
    /// The worker received a fatal signal and is writing its crash report. `wasTold` is whether it had been told to end
    /// before.
    case crashing(killAt: MonotonicTime, wasTold: Bool)
    /// The worker has closed its channel: it is about to exit, or has executed another program.
    case silent(killAt: MonotonicTime)

    /// Why the worker must end.
    public enum Why: Equatable, Sendable {
        /// It is no longer needed.
        case told
        /// The session in this slot was asked to end, and did not within the grace period.
        case overdue(slot: Int)
        /// The session in this slot has ended, but the worker does not report that: it has lost its channel.
        case mute(slot: Int)
        /// Its plugin writes on the channel without end, or keeps it from being read.
        case channelAbused(ChannelAbuse)
        /// It received a fatal signal, and its crash report does not complete.
        case crashed(wasTold: Bool)
        /// It continues to run without the channel: it executed another program or closed the channel.
        case left
        /// It is dead but cannot be reaped, because another process traces it.
        case stuck
    }

    /// The step that has been reached.
    public enum Step: Equatable, Sendable {
        /// The worker was told to quit.
        case asked(terminateAt: MonotonicTime)
        /// The worker has said goodbye: no session runs any more; the plugins' destructors are running.
        case leaving(terminateAt: MonotonicTime)
        /// SIGTERM was sent.
        case terminated(killAt: MonotonicTime)
        /// SIGKILL was sent. If the process cannot be reaped by this time, it is given up.
        case killed(giveUpAt: MonotonicTime)
    }

    /// What has exceeded its timeout.
    public enum Place: Equatable, Sendable {
        /// A callback of the session in this slot.
        case session(slot: Int)
        /// The load of this plugin.
        case load(plugin: Int)
    }

    /// The step that has been reached in ending a hung worker.
    public enum HangStep: Equatable, Sendable {
        /// The thread was told to abort, so that the crash report shows its location.
        case aborting(killAt: MonotonicTime)
        /// SIGKILL was sent.
        case killed(giveUpAt: MonotonicTime)
    }

    /// The time between SIGTERM or SIGABRT and SIGKILL, in ns.
    public static let patience: Int64 = 2_000_000_000
    /// The time limit for a crash report, in ns.
    public static let reportTime: Int64 = 10_000_000_000
    /// The time that a process has to end after its channel was closed, in ns.
    public static let silenceTime: Int64 = 200_000_000
    /// The time between SIGKILL and giving up the process, in ns.
    public static let reapTime: Int64 = 5_000_000_000

    /// When `passDeadline` is due.
    public var deadline: MonotonicTime {
        switch self {
        case .wanted(_, .asked(let time)), .wanted(_, .leaving(let time)), .wanted(_, .terminated(let time)),
            .wanted(_, .killed(let time)), .hung(_, .aborting(let time), _), .hung(_, .killed(let time), _),
            .crashing(let time, _), .silent(let time):
            time
        }
    }

    /// How the death of a process that ends now came about.
    public func manner(of end: WorkerEnd) -> Death.Manner {
        switch self {
        case .wanted(.told, .asked): end == .exited(0) ? .inOrder(saidGoodbye: false) : .failed(wasTold: true)
        case .wanted(.told, .leaving): end == .exited(0) ? .inOrder(saidGoodbye: true) : .failed(wasTold: true)
        case .wanted(.told, .terminated), .wanted(.told, .killed): .late
        case .wanted(.overdue(let slot), _): .overdue(slot: slot)
        case .wanted(.mute(let slot), _): .mute(slot: slot)
        case .wanted(.channelAbused(let abuse), _): .channelAbused(abuse)
        case .wanted(.crashed(let wasTold), _), .crashing(_, let wasTold): .failed(wasTold: wasTold)
        case .wanted(.stuck, _), .silent: .failed(wasTold: false)
        case .wanted(.left, _): .left
        case .hung(let place, _, _): .timeout(place)
        }
    }
}

// MARK: Beginning of the end

extension WorkerEnding {
    /// The actions, which are those of `WorkerLifecycle`.
    public typealias Action = WorkerLifecycle.Action
    /// The end that begins, with its first actions.
    public typealias Beginning = (ending: WorkerEnding, actions: [Action])

    /// Begins the end of a worker that is no longer needed. Running cycles have the grace period in ns to complete.
    public static func told(grace: Int64, at now: MonotonicTime) -> Beginning {
        (.wanted(.told, .asked(terminateAt: now + grace)), [.quit])
    }

    /// Begins the end of a worker because a session was asked to end and does not.
    public static func overdue(slot: Int, at now: MonotonicTime) -> Beginning {
        (.wanted(.overdue(slot: slot), .terminated(killAt: now + patience)), [.terminate])
    }

    /// Begins the end of a worker because a callback hangs in the thread with this kernel id; nil means the main
    /// thread, whose id the caller knows.
    public static func hang(_ place: Place, thread: Int32?, wasTold: Bool = false, at now: MonotonicTime) -> Beginning {
        if let thread, thread <= 0 { return killedForHang(place, wasTold, at: now) }
        return (
            .hung(place, .aborting(killAt: now + patience), wasTold: wasTold), [.abort(thread: thread ?? 0)]
        )
    }

    /// Begins the end of a worker that received a fatal signal.
    public static func crash(wasTold: Bool = false, at now: MonotonicTime) -> Beginning {
        (.crashing(killAt: now + reportTime, wasTold: wasTold), [])
    }

    /// Begins the end of a worker that has closed its channel.
    public static func silence(at now: MonotonicTime) -> Beginning { (.silent(killAt: now + silenceTime), []) }

    /// Kills the worker at once.
    public static func killed(_ why: Why, at now: MonotonicTime) -> Beginning {
        (.wanted(why, .killed(giveUpAt: now + reapTime)), [.kill])
    }

    private static func killedForHang(_ place: Place, _ wasTold: Bool, at now: MonotonicTime) -> Beginning {
        (.hung(place, .killed(giveUpAt: now + reapTime), wasTold: wasTold), [.kill])
    }

    private mutating func become(_ next: Beginning) -> [Action] {
        self = next.ending
        return next.actions
    }
}

// MARK: Further events

extension WorkerEnding {
    /// Reports that the worker must end. Only for a hung worker is this recorded; the others end anyway.
    @discardableResult
    public mutating func tell() -> [Action] {
        if case .hung(let place, let step, _) = self { self = .hung(place, step, wasTold: true) }
        return []
    }

    /// Reports that the worker has said goodbye; false if it cannot have said that in this state.
    public mutating func sayGoodbye() -> Bool {
        guard case .wanted(let why, .asked(let time)) = self else { return false }
        self = .wanted(why, .leaving(terminateAt: time))
        return true
    }

    /// Reports that the channel is closed. A worker that was told to end may close it without a goodbye, for example
    /// because it crashes on its way out; it still counts as told to end.
    @discardableResult
    public mutating func loseChannel(at now: MonotonicTime) -> [Action] {
        if case .wanted(let why, .asked(let time)) = self {
            self = .wanted(why, .asked(terminateAt: min(time, now + Self.silenceTime)))
        }
        return []
    }

    /// Reports a fatal signal. The crash report gets its time, unless a signal of the host caused it.
    public mutating func crash(at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(_, .asked), .wanted(_, .leaving): become(Self.crash(wasTold: true, at: now))
        case .wanted(_, .terminated), .wanted(_, .killed), .hung, .crashing, .silent: []
        }
    }

    /// Reports that a callback of a worker that was told to end has exceeded its timeout.
    public mutating func hang(_ place: Place, thread: Int32?, at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(_, .asked): become(Self.hang(place, thread: thread, wasTold: true, at: now))
        case .wanted(_, .leaving), .wanted(_, .terminated), .wanted(_, .killed), .hung, .crashing, .silent: []
        }
    }

    /// Reports that the thread that was to abort does not exist.
    public mutating func missThread(at now: MonotonicTime) -> [Action] {
        switch self {
        case .hung(let place, .aborting, let wasTold): become(Self.killedForHang(place, wasTold, at: now))
        case .wanted, .hung(_, .killed, _), .crashing, .silent: []
        }
    }

    /// Kills the worker, unless SIGKILL was already sent.
    public mutating func kill(_ why: Why, at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(_, .killed), .hung(_, .killed, _): []
        case .silent where why == .stuck: become(Self.killed(why, at: now))
        case .wanted(_, .asked), .wanted(_, .leaving), .wanted(_, .terminated), .hung(_, .aborting, _), .crashing,
            .silent:
            killForItsOwnReason(at: now)
        }
    }

    private mutating func killForItsOwnReason(at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(let why, _): become(Self.killed(why, at: now))
        case .hung(let place, _, let wasTold): become(Self.killedForHang(place, wasTold, at: now))
        case .crashing(_, let wasTold): become(Self.killed(.crashed(wasTold: wasTold), at: now))
        case .silent: become(Self.killed(.left, at: now))
        }
    }

    /// Reports that the time of `deadline` has come.
    public mutating func passDeadline(at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(let why, .asked), .wanted(let why, .leaving):
            become((.wanted(why, .terminated(killAt: now + Self.patience)), [.terminate]))
        case .wanted(let why, .killed): become((.wanted(why, .killed(giveUpAt: .never)), [.giveUp]))
        case .hung(let place, .killed, let wasTold):
            become((.hung(place, .killed(giveUpAt: .never), wasTold: wasTold), [.giveUp]))
        case .wanted(_, .terminated), .hung(_, .aborting, _), .crashing, .silent: killForItsOwnReason(at: now)
        }
    }
}
