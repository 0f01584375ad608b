public import HostValues

/// The life of one claim on this host: whether its sessions may run, and under which token.
///
/// Pure: whoever owns it tells what happened, with the time since the boot, and does what is answered. Between events
/// nothing needs doing before `nextDeadline`; then `deadline` is due. The table has for each event and each state the state
/// after it, then what is to be done. A dot changes nothing.
///
///     event       standby  barred   taking   quits    running  ending   lost     freeing
///     take        takingT  .        .        .        .        .        .        .
///     granted     .        .        runningB freeingR .        .        .        .
///     denied      .        .        standby  barred   .        .        .        .
///     lost        .        .        standby  barred   lostE    lost     .        barred
///     leave       barred   barred   quits    quits    endingE  ending   lost     freeing
///     ended       .        .        .        .        .        freeingR barred   .
///     released    .        .        .        .        .        .        .        barred
///     deadline    .        standby  .        .        .        .        lostK    .
///
///     T: commit that this host takes it   B: sessions may begin   E: ask its sessions to end   K: kill them
///     R: commit that nobody holds it
///
/// `ended` is told when no session of it lives and none will begin: also at once, where there was none.
public struct ClaimMachine: Equatable, Sendable {
    /// Where it stands.
    public enum State: Equatable, Sendable {
        /// Another host holds it, or none may take it now.
        case standby
        /// The same, and this host does not take it before that time.
        case barred(until: BootTime)
        /// The commit is under way that takes it, or is looked for.
        case taking(token: UInt64)
        /// The same, and it is to be given back at once.
        case quitting(token: UInt64, bar: BootTime)
        /// This host holds it. Sessions begin, and are restarted, as always.
        case running(token: UInt64)
        /// Its sessions are to end, and then it is given back.
        case ending(token: UInt64, bar: BootTime)
        /// Its sessions are to end, for this host holds it no more. What lives at that time is killed.
        case lost(kill: BootTime, bar: BootTime)
        /// No session of it lives. The commit is under way that gives it back.
        case releasing(token: UInt64, bar: BootTime)
    }

    /// What was decided, or happened.
    public enum Event: Equatable, Sendable {
        /// It is free, and this host is to take it.
        case take(token: UInt64)
        /// The commit is done: the record is this host's.
        case granted
        /// The commit is not done, and will not be.
        case denied
        /// This host holds it no more; its sessions live until `kill` at the longest.
        case lost(Loss, kill: BootTime)
        /// It is to be given back, and not taken again before `bar`.
        case leave(Departure, bar: BootTime)
        /// No session of it lives.
        case ended
        /// The record says that nobody holds it, or another one.
        case released
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case deadline
    }

    /// What to do, in this order.
    public enum Action: Equatable, Sendable {
        /// Commit that this host holds it, under that token.
        case take(token: UInt64)
        /// Sessions may begin, under that token.
        case begin(token: UInt64)
        /// Ask its sessions to end, and begin no more; then tell `ended`.
        case end(Ending)
        /// Kill what lives of its sessions.
        case kill
        /// Commit that nobody holds it.
        case release
    }

    /// Why its sessions are to end.
    public enum Ending: Equatable, Sendable {
        /// This host holds it no more.
        case lost(Loss)
        /// It is given back.
        case handedOver(Departure)

        /// Whether it was not this host's will.
        public var isLoss: Bool {
            switch self {
            case .lost: true
            case .handedOver: false
            }
        }
    }

    /// Why it is not this host's any more.
    public enum Loss: Equatable, Sendable {
        /// The store has not answered for too long; how long, ns.
        case silence(Int64)
        /// The record is another host's, under that token.
        case takenOver(by: HostID, token: UInt64)
        /// The record is gone or unreadable, or this host's own is.
        case recordGone
    }

    /// Why it is given back.
    public enum Departure: Equatable, Sendable {
        /// The host stops.
        case stop
        /// The host is drained.
        case drain
        /// A person moves it.
        case move
        /// Another host is the better one for it.
        case rebalance
        /// A person has stopped the routine on this host.
        case rest
        /// The routine is shut out on this host.
        case quarantine
        /// The routine is no more, or is no longer to run on one host only.
        case removed
    }

    /// Where it stands.
    public private(set) var state = State.standby

    /// A claim that this host does not hold.
    public init() {}

    /// When `deadline` is due.
    public var nextDeadline: BootTime? {
        switch state {
        case .barred(let until): until
        case .lost(let kill, _): kill == .never ? nil : kill
        case .standby, .taking, .quitting, .running, .ending, .releasing: nil
        }
    }

    /// The token that its record should have, while that should be this host's.
    var token: UInt64? {
        switch state {
        case .taking(let token), .quitting(let token, _), .running(let token), .ending(let token, _),
            .releasing(let token, _):
            token
        case .standby, .barred, .lost: nil
        }
    }

    /// Whether sessions of it may live.
    var hasSessions: Bool {
        switch state {
        case .running, .ending, .lost: true
        case .standby, .barred, .taking, .quitting, .releasing: false
        }
    }

    /// Takes one event at a time since the boot; returns what to do.
    public mutating func handle(_ event: Event, at now: BootTime) -> [Action] {
        switch event {
        case .take(let token): take(token)
        case .granted: granted()
        case .denied: denied()
        case .lost(let loss, let kill): lose(loss, kill)
        case .leave(let departure, let bar): leave(departure, bar)
        case .ended: ended()
        case .released: released()
        case .deadline: nextDeadline.map { $0 <= now } == true ? passDeadline() : []
        }
    }

    private mutating func take(_ token: UInt64) -> [Action] {
        switch state {
        case .standby:
            state = .taking(token: token)
            return [.take(token: token)]
        case .barred, .taking, .quitting, .running, .ending, .lost, .releasing: return []
        }
    }

    private mutating func granted() -> [Action] {
        switch state {
        case .taking(let token):
            state = .running(token: token)
            return [.begin(token: token)]
        case .quitting(let token, let bar):
            state = .releasing(token: token, bar: bar)
            return [.release]
        case .standby, .barred, .running, .ending, .lost, .releasing: return []
        }
    }

    private mutating func denied() -> [Action] {
        switch state {
        case .taking: state = .standby
        case .quitting(_, let bar): state = .barred(until: bar)
        case .standby, .barred, .running, .ending, .lost, .releasing: break
        }
        return []
    }

    private mutating func lose(_ loss: Loss, _ kill: BootTime) -> [Action] {
        switch state {
        case .taking: state = .standby
        case .quitting(_, let bar), .releasing(_, let bar): state = .barred(until: bar)
        case .running:
            state = .lost(kill: kill, bar: .longAgo)
            return [.end(.lost(loss))]
        case .ending(_, let bar): state = .lost(kill: kill, bar: bar)
        case .standby, .barred, .lost: break
        }
        return []
    }

    private mutating func leave(_ departure: Departure, _ bar: BootTime) -> [Action] {
        switch state {
        case .standby: state = .barred(until: bar)
        case .barred(let old): state = .barred(until: max(old, bar))
        case .taking(let token): state = .quitting(token: token, bar: bar)
        case .quitting(let token, let old): state = .quitting(token: token, bar: max(old, bar))
        case .running(let token):
            state = .ending(token: token, bar: bar)
            return [.end(.handedOver(departure))]
        case .ending(let token, let old): state = .ending(token: token, bar: max(old, bar))
        case .lost(let kill, let old): state = .lost(kill: kill, bar: max(old, bar))
        case .releasing(let token, let old): state = .releasing(token: token, bar: max(old, bar))
        }
        return []
    }

    private mutating func ended() -> [Action] {
        switch state {
        case .ending(let token, let bar):
            state = .releasing(token: token, bar: bar)
            return [.release]
        case .lost(_, let bar): state = .barred(until: bar)
        case .standby, .barred, .taking, .quitting, .running, .releasing: break
        }
        return []
    }

    private mutating func released() -> [Action] {
        switch state {
        case .releasing(_, let bar): state = .barred(until: bar)
        case .standby, .barred, .taking, .quitting, .running, .ending, .lost: break
        }
        return []
    }

    private mutating func passDeadline() -> [Action] {
        switch state {
        case .barred: state = .standby
        case .lost(_, let bar):
            state = .lost(kill: .never, bar: bar)
            return [.kill]
        case .standby, .taking, .quitting, .running, .ending, .releasing: break
        }
        return []
    }
}

extension ClaimMachine.Loss {
    /// What a claim's record tells about its loss to the host that held it; nil is no readable record.
    init(by record: ClaimRecord?, to loser: HostID) {
        if let record, let host = record.host, host != loser {
            self = .takenOver(by: host, token: record.token)
        } else {
            self = .recordGone
        }
    }
}
