public import HostValues

/// Decides which cycles may begin if the number of concurrent cycles is bounded, in the host or in a group of routines.
/// Pure.
///
/// The cycle that was due first begins first. A cycle whose group is full does not hold up those of other groups.
///
/// Since when a cycle has been due, its worker says. That is believed no further back than to when the session's last turn was
/// granted, or the session began: no cycle that comes after these was due before them. So a plugin that claims to have waited
/// for ever passes nobody who has waited since before its own last turn.
public struct CycleTurns: Sendable {
    /// The bounds that apply to a routine.
    public struct Bounds: Equatable, Sendable {
        /// The maximum number of concurrent cycles in the host; 0 means no bound.
        public var host: UInt64
        /// The routine's group, with its bound; nil if there is no group or no bound.
        public var group: Group?

        /// A group of routines with a bound.
        public struct Group: Equatable, Sendable {
            /// The name of the group.
            public var name: String
            /// The maximum number of concurrent cycles of the group.
            public var most: UInt64

            /// Creates a group.
            public init(_ name: String, most: UInt64) {
                self.name = name
                self.most = most
            }
        }

        /// Creates bounds.
        public init(host: UInt64, group: Group?) {
            self.host = host
            self.group = group
        }

        /// Whether there are no bounds.
        public var areNone: Bool { host == 0 && group == nil }
    }

    /// A session's request for a cycle.
    public struct Request: Equatable, Sendable {
        /// The session.
        public var session: SessionID
        /// The number by which the session identifies the request.
        public var number: UInt64

        /// Creates a request.
        public init(session: SessionID, number: UInt64) {
            self.session = session
            self.number = number
        }
    }

    private struct Waiting {
        let wish: Request
        let due: BootTime
        let bounds: Bounds
    }

    /// The waiting requests, by due time: those in `wishes`.
    private var waiting: [Waiting] = []
    private var wishes: [SessionID: UInt64] = [:]
    private var running: [SessionID: Bounds] = [:]
    /// When each session was last granted a turn.
    private var granted: [SessionID: BootTime] = [:]

    /// Creates a state in which no cycle runs or waits.
    public init() {}

    /// The number of running cycles that this type admitted.
    public var runningCount: Int { running.count }
    /// The number of waiting requests.
    public var waitingCount: Int { waiting.count }

    /// Adds a request for the next cycle of a session that began at `begun`. The cycle has been due since `due`, as its worker
    /// says. It ends the session's previous cycle or request. Without bounds no session asks, and one that does would take the
    /// place of others.
    public mutating func want(_ wish: Request, due claimed: BootTime, begun: BootTime, _ bounds: Bounds) {
        guard !bounds.areNone else { return }
        over(wish.session)
        wishes[wish.session] = wish.number
        let due = max(claimed, granted[wish.session] ?? begun)
        let place = firstIndex(after: due)
        waiting.insert(Waiting(wish: wish, due: due, bounds: bounds), at: place)
    }

    /// Ends the cycle or the request of a session.
    public mutating func over(_ session: SessionID) {
        running[session] = nil
        // At most one request of a session waits, however often it asks.
        if wishes.removeValue(forKey: session) != nil { waiting.removeAll { $0.wish.session == session } }
    }

    /// Removes a session that has ended.
    public mutating func forget(_ session: SessionID) {
        over(session)
        granted[session] = nil
    }

    /// Removes all sessions for which `isThere` is false.
    public mutating func keep(_ isThere: (SessionID) -> Bool) {
        granted = granted.filter { isThere($0.key) }
        running = running.filter { isThere($0.key) }
        wishes = wishes.filter { isThere($0.key) }
        waiting.removeAll { wishes[$0.wish.session] == nil }
    }

    /// Admits all cycles that may begin now, and returns their requests.
    public mutating func take(at now: BootTime) -> [Request] {
        if waiting.isEmpty { return [] }
        var begin: [Request] = []
        var counts: [String: UInt64] = [:]
        for bounds in running.values { if let group = bounds.group { counts[group.name, default: 0] += 1 } }
        var left: [Waiting] = []
        for (index, next) in waiting.enumerated() {
            guard wishes[next.wish.session] == next.wish.number else { continue }
            let isHostFull = next.bounds.host > 0 && running.count >= next.bounds.host
            let isGroupFull = next.bounds.group.map { counts[$0.name, default: 0] >= $0.most } ?? false
            if isHostFull || isGroupFull {
                left.append(next)
                if !isHostFull { continue }
                left += waiting[(index + 1)...]
                break
            }
            wishes[next.wish.session] = nil
            running[next.wish.session] = next.bounds
            granted[next.wish.session] = now
            if let group = next.bounds.group { counts[group.name, default: 0] += 1 }
            begin.append(next.wish)
        }
        waiting = left
        return begin
    }

    private func firstIndex(after due: BootTime) -> Int {
        var (low, high) = (0, waiting.count)
        while low < high {
            let middle = (low + high) / 2
            if waiting[middle].due <= due { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
