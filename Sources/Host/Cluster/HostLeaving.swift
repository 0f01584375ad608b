internal import HostValues

/// How a host leaves its cluster, once no session lives of what it held: it gives all back, then removes its record. Where
/// the store does not answer it goes without that, for the others notice it anyway. Pure.
struct HostLeaving: Equatable, Sendable {
    /// What a host knows that is to leave.
    struct Situation {
        /// Whether it has a lease, and a link to the store.
        var isMember: Bool
        /// Whether something that it holds is still to be given back.
        var isBusy: Bool
        /// Whether a request is on its way.
        var isAsking: Bool
        /// Whether what it has read can be relied on.
        var isFresh: Bool
        /// Whether its own record is in the store.
        var hasRecord: Bool
    }

    enum Step: Equatable {
        /// It goes on as a member: there is something to be given back, or to be read.
        case goesOn
        /// It waits for an answer.
        case waits
        /// It asks for the removal of its record.
        case removes
        /// It has left.
        case closes
    }

    /// How long leaving may take, ns: a third of a lease, and no longer than people wait for a host to stop.
    static func patience(length: Int64) -> Int64 { min(length / 3, 5_000_000_000) }

    /// When it goes without the store.
    private(set) var deadline = BootTime.never

    /// What comes next; `patience` is how long all of it may take, ns.
    mutating func step(_ situation: Situation, patience: Int64, at now: BootTime) -> Step {
        if deadline == .never { deadline = now + patience }
        if now >= deadline { return .closes }
        if situation.isMember, situation.isBusy { return .goesOn }
        if situation.isAsking { return .waits }
        guard situation.isMember else { return .closes }
        guard situation.isFresh else { return .goesOn }
        return situation.hasRecord ? .removes : .closes
    }
}
