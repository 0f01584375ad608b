public import HostValues

/// A host as a member of its cluster: whether what it holds is still its own.
///
/// Pure, as `ClaimMachine` is, with a table of the same form.
///
///     event       closed  joining held    doubt   over    refused
///     open        joining .       .       .       .       .
///     proved      .       heldP   heldP   heldP   .       .
///     gone        .       .       overE   overE   .       .
///     foreign     .       refusF  overE   overE   .       .
///     ended       .       .       .       .       joinN   .
///     close       .       closed  closed  closed  closed  closed
///     hold        .       .       doubt   .       .       .
///     end         .       .       overE   overE   .       .
///
///     P: tell how long the lease is valid   E: all claims are lost   N: it is another incarnation from here on
///     F: say that somebody else has this host's id
///
/// `hold` and `end` are `deadline` at these times of the lease.
public struct HostMachine: Equatable, Sendable {
    /// Where it stands.
    public enum State: Equatable, Sendable {
        /// It takes no part.
        case closed
        /// It has no record of its own in the store yet.
        case joining
        /// It is a member, and what it holds is its own.
        case held(LeaseTimes)
        /// The same, yet the store has not answered for half of the lease: no session begins.
        case doubtful(LeaseTimes)
        /// It is a member no more. What it held is ending.
        case over
        /// Somebody else lives under this host's id: it takes no part until its next start.
        case refused
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// It is to take part.
        case open
        /// A commit is done that wrote its record, and this is the lease since it was sent.
        case proved(LeaseTimes)
        /// Its record is gone.
        case gone
        /// Its record is somebody else's.
        case foreign
        /// No session lives of all that it held.
        case ended
        /// It has left, or takes no part any more.
        case close
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case deadline
    }

    /// What to do, in this order.
    public enum Action: Equatable, Sendable {
        /// What it holds is valid so long.
        case extend(LeaseTimes)
        /// All claims are lost.
        case lose(ClaimMachine.Loss, kill: BootTime)
        /// It is another incarnation from here on.
        case renew
        /// Somebody else has this host's id.
        case refuse
    }

    /// Where it stands.
    public private(set) var state = State.closed

    /// A host that takes no part yet.
    public init() {}

    /// When `deadline` is due.
    public var nextDeadline: BootTime? {
        switch state {
        case .held(let times): times.hold
        case .doubtful(let times): times.end
        case .closed, .joining, .over, .refused: nil
        }
    }

    /// How long what it holds is its own; nil where it holds nothing.
    public var lease: LeaseTimes? {
        switch state {
        case .held(let times), .doubtful(let times): times
        case .closed, .joining, .over, .refused: nil
        }
    }

    /// Takes one event at a time since the boot; returns what to do.
    public mutating func handle(_ event: Event, at now: BootTime) -> [Action] {
        switch event {
        case .open: open()
        case .proved(let times): prove(times)
        case .gone: lose(.recordGone)
        case .foreign: meetOther()
        case .ended: ended()
        case .close: close()
        case .deadline: passDeadline(at: now)
        }
    }

    private mutating func open() -> [Action] {
        switch state {
        case .closed: state = .joining
        case .joining, .held, .doubtful, .over, .refused: break
        }
        return []
    }

    /// Answers may come out of order: an older one takes nothing away.
    private mutating func prove(_ times: LeaseTimes) -> [Action] {
        switch state {
        case .joining:
            state = .held(times)
            return [.extend(times)]
        case .held(let old), .doubtful(let old):
            let latest = times.start > old.start ? times : old
            state = .held(latest)
            return [.extend(latest)]
        case .closed, .over, .refused: return []
        }
    }

    private mutating func lose(_ loss: ClaimMachine.Loss) -> [Action] {
        switch state {
        case .held(let times), .doubtful(let times):
            state = .over
            return [.lose(loss, kill: times.kill)]
        case .closed, .joining, .over, .refused: return []
        }
    }

    private mutating func meetOther() -> [Action] {
        switch state {
        case .joining:
            state = .refused
            return [.refuse]
        case .held, .doubtful: return lose(.recordGone)
        case .closed, .over, .refused: return []
        }
    }

    private mutating func ended() -> [Action] {
        switch state {
        case .over:
            state = .joining
            return [.renew]
        case .closed, .joining, .held, .doubtful, .refused: return []
        }
    }

    private mutating func close() -> [Action] {
        switch state {
        case .joining, .held, .doubtful, .over, .refused: state = .closed
        case .closed: break
        }
        return []
    }

    private mutating func passDeadline(at now: BootTime) -> [Action] {
        switch state {
        case .held(let times) where now >= times.end, .doubtful(let times) where now >= times.end:
            return lose(.silence(now - times.start))
        case .held(let times) where now >= times.hold:
            state = .doubtful(times)
            return []
        case .closed, .joining, .held, .doubtful, .over, .refused: return []
        }
    }
}
