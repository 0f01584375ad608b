public import HostValues

/// Whose cycle may begin, where only so many may run at once: in the host, or in a group of routines. Pure.
///
/// Who was due first begins first. Whose group is full waits without holding up the others.
public struct CycleTurns: Sendable {
    /// What bounds a routine.
    public struct Bounds: Equatable, Sendable {
        /// How many cycles may run at once in the host; 0: as many as there are.
        public var host: UInt64
        /// The group that the routine is in, with how many of that may run at once; nil: none, or one without a bound.
        public var group: Group?

        /// A group with a bound.
        public struct Group: Equatable, Sendable {
            /// Its name.
            public var name: String
            /// How many of its cycles may run at once.
            public var most: UInt64

            /// A group.
            public init(_ name: String, most: UInt64) {
                self.name = name
                self.most = most
            }
        }

        /// Bounds.
        public init(host: UInt64, group: Group?) {
            self.host = host
            self.group = group
        }

        /// Whether nothing is bounded.
        public var areNone: Bool { host == 0 && group == nil }
    }

    /// A session's wish for a cycle.
    public struct Wish: Equatable, Sendable {
        /// The session.
        public var session: SessionID
        /// Its own number for this wish.
        public var number: UInt64

        /// A wish.
        public init(session: SessionID, number: UInt64) {
            self.session = session
            self.number = number
        }
    }

    private struct Waiting {
        let wish: Wish
        let due: BootTime
        let bounds: Bounds
    }

    /// By when they are due; those whose wish is not in `wishes` any more are passed over.
    private var waiting: [Waiting] = []
    private var wishes: [SessionID: UInt64] = [:]
    private var running: [SessionID: Bounds] = [:]

    /// Nobody runs or waits.
    public init() {}

    /// How many cycles run that were let begin.
    public var runningCount: Int { running.count }
    /// How many wait.
    public var waitingCount: Int { wishes.count }

    /// A session's next cycle is due since that time. What it had before is over.
    public mutating func want(_ wish: Wish, due: BootTime, _ bounds: Bounds) {
        over(wish.session)
        wishes[wish.session] = wish.number
        let place = firstIndex(after: due)
        waiting.insert(Waiting(wish: wish, due: due, bounds: bounds), at: place)
    }

    /// A session's cycle is over, or it wants none any more.
    public mutating func over(_ session: SessionID) {
        running[session] = nil
        wishes[session] = nil
    }

    /// Only these sessions are left.
    public mutating func keep(_ isThere: (SessionID) -> Bool) {
        running = running.filter { isThere($0.key) }
        wishes = wishes.filter { isThere($0.key) }
    }

    /// Those whose cycles begin now.
    public mutating func take() -> [Wish] {
        if waiting.isEmpty { return [] }
        var begin: [Wish] = []
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
