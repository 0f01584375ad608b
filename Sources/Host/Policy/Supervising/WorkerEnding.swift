public import HostValues

/// The end of a worker: from when it is to end, or begins to die, until its process is gone.
///
/// Whatever it began with, it goes from step to step, each with the time at which the next one follows, to SIGKILL, and to
/// the giving up of what cannot be reaped: so no end takes for ever. Why it began is kept to the last, since the records
/// of its sessions tell that. It knows neither loads nor sessions.
public enum WorkerEnding: Equatable, Sendable {
    /// It is to end.
    case wanted(Why, Step)
    /// A callback is over its time. `wasTold`: it was told to end before.
    case hung(Place, HangStep, wasTold: Bool)
    /// A fatal signal has hit it: it writes its crash report. `wasTold`: it was told to end before.
    case crashing(killAt: MonotonicTime, wasTold: Bool)
    /// It has closed its channel: it is about to exit, or has become another program.
    case silent(killAt: MonotonicTime)

    /// Why it is to end.
    public enum Why: Equatable, Sendable {
        /// Nobody needs it any more.
        case told
        /// The session in that slot was asked to end, and did not within the grace.
        case overdue(slot: Int)
        /// The session in that slot is over, and it does not say so: it has lost its channel.
        case mute(slot: Int)
        /// A fatal signal has hit it, and its crash report does not come to an end.
        case crashed(wasTold: Bool)
        /// It lives on without the channel: it executed another program, or closed it.
        case left
        /// It is dead, and cannot be reaped: another process traces it.
        case stuck
    }

    /// How far that has gone.
    public enum Step: Equatable, Sendable {
        /// It was told to quit.
        case asked(terminateAt: MonotonicTime)
        /// It says goodbye: no session runs, and the plugins' destructors do.
        case leaving(terminateAt: MonotonicTime)
        /// It has its SIGTERM.
        case terminated(killAt: MonotonicTime)
        /// It has its SIGKILL. What cannot be reaped by that time is given up.
        case killed(giveUpAt: MonotonicTime)
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
        case aborting(killAt: MonotonicTime)
        /// It has its SIGKILL.
        case killed(giveUpAt: MonotonicTime)
    }

    /// The time from SIGTERM to SIGKILL, and from SIGABRT to SIGKILL, ns.
    public static let patience: Int64 = 2_000_000_000
    /// The time for a crash report, ns.
    public static let reportTime: Int64 = 10_000_000_000
    /// The time from the end of the channel to that of the process, ns.
    public static let silenceTime: Int64 = 200_000_000
    /// The time from SIGKILL until the process is given up, ns.
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

    /// How a process that ends now came to that end.
    public func manner(of end: WorkerEnd) -> Death.Manner {
        switch self {
        case .wanted(.told, .asked): end == .exited(0) ? .inOrder(saidGoodbye: false) : .failed(wasTold: true)
        case .wanted(.told, .leaving): end == .exited(0) ? .inOrder(saidGoodbye: true) : .failed(wasTold: true)
        case .wanted(.told, .terminated), .wanted(.told, .killed): .late
        case .wanted(.overdue(let slot), _): .overdue(slot: slot)
        case .wanted(.mute(let slot), _): .mute(slot: slot)
        case .wanted(.crashed(let wasTold), _), .crashing(_, let wasTold): .failed(wasTold: wasTold)
        case .wanted(.stuck, _), .silent: .failed(wasTold: false)
        case .wanted(.left, _): .left
        case .hung(let place, _, _): .timeout(place)
        }
    }
}

// MARK: How it begins

extension WorkerEnding {
    /// What is to be done: by whoever performs what the worker's life answers.
    public typealias Action = WorkerLifecycle.Action
    /// An end that begins, and what to do first.
    public typealias Beginning = (ending: WorkerEnding, actions: [Action])

    /// When its cycles have come to an end, which may take the grace.
    public static func told(grace: Int64, at now: MonotonicTime) -> Beginning {
        (.wanted(.told, .asked(terminateAt: now + grace)), [.quit])
    }

    /// Because a session does not end, which was asked to.
    public static func overdue(slot: Int, at now: MonotonicTime) -> Beginning {
        (.wanted(.overdue(slot: slot), .terminated(killAt: now + patience)), [.terminate])
    }

    /// Because of a callback in that thread of the kernel's; nil: in the main one, whose id the performer knows.
    public static func hang(_ place: Place, thread: Int32?, wasTold: Bool = false, at now: MonotonicTime) -> Beginning {
        if let thread, thread <= 0 { return killedForHang(place, wasTold, at: now) }
        return (
            .hung(place, .aborting(killAt: now + patience), wasTold: wasTold), [.abort(thread: thread ?? 0)]
        )
    }

    /// By itself, of a fatal signal.
    public static func crash(wasTold: Bool = false, at now: MonotonicTime) -> Beginning {
        (.crashing(killAt: now + reportTime, wasTold: wasTold), [])
    }

    /// By itself: its channel is closed.
    public static func silence(at now: MonotonicTime) -> Beginning { (.silent(killAt: now + silenceTime), []) }

    /// At once.
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

// MARK: How it goes on

extension WorkerEnding {
    /// It is to end, which one that hangs does anyhow.
    @discardableResult
    public mutating func tell() -> [Action] {
        if case .hung(let place, let step, _) = self { self = .hung(place, step, wasTold: true) }
        return []
    }

    /// It says goodbye; false when it cannot have said that.
    public mutating func sayGoodbye() -> Bool {
        guard case .wanted(let why, .asked(let time)) = self else { return false }
        self = .wanted(why, .leaving(terminateAt: time))
        return true
    }

    /// Its channel is closed. Without a goodbye, as by one that crashes on its way out: it was told to end all the same.
    @discardableResult
    public mutating func loseChannel(at now: MonotonicTime) -> [Action] {
        if case .wanted(let why, .asked(let time)) = self {
            self = .wanted(why, .asked(terminateAt: min(time, now + Self.silenceTime)))
        }
        return []
    }

    /// A fatal signal has hit it: its report gets its time, where none of ours has ended it.
    public mutating func crash(at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(_, .asked), .wanted(_, .leaving): become(Self.crash(wasTold: true, at: now))
        case .wanted(_, .terminated), .wanted(_, .killed), .hung, .crashing, .silent: []
        }
    }

    /// A callback of a worker that was told to end is over its time.
    public mutating func hang(_ place: Place, thread: Int32?, at now: MonotonicTime) -> [Action] {
        switch self {
        case .wanted(_, .asked): become(Self.hang(place, thread: thread, wasTold: true, at: now))
        case .wanted(_, .leaving), .wanted(_, .terminated), .wanted(_, .killed), .hung, .crashing, .silent: []
        }
    }

    /// The thread that was to abort is not there.
    public mutating func missThread(at now: MonotonicTime) -> [Action] {
        switch self {
        case .hung(let place, .aborting, let wasTold): become(Self.killedForHang(place, wasTold, at: now))
        case .wanted, .hung(_, .killed, _), .crashing, .silent: []
        }
    }

    /// SIGKILL, unless it has that already.
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

    /// The time of `deadline` has come.
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
