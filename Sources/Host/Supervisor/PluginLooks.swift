internal import HostCore
internal import HostSystem

/// What the supervisor knows of the directory, and what it has yet to look at.
struct PluginLooks {
    var known = PluginDirectory()
    private(set) var pending: [String: Supervisor.PendingLook] = [:]
    /// The pending names whose time has come, the next one last: sorted when some were added, not at each turn.
    private var order: [String] = []
    private var new: Set<String> = []
    var hasFault = false
    var timer: Deadlines.Timer?
    var doubts: Deadlines.Timer?

    /// Whether nothing is left to look at or to wait for.
    var isSettled: Bool { pending.values.allSatisfy(\.isRetry) && known.deadline == .max }

    /// Sets the time of the next look; none when nothing is pending.
    func arm(_ deadlines: Deadlines) {
        if let timer { deadlines.set(timer, at: pending.values.map(\.notBefore).min().map { max($0, 0) }) }
    }

    /// A file is to be looked at.
    mutating func add(_ name: String, _ look: Supervisor.PendingLook) {
        pending[name] = look
        new.insert(name)
        order = []
    }

    /// The names that were added since this was asked last, sorted.
    mutating func takeNew() -> [String] {
        defer { new = [] }
        return new.sorted()
    }

    /// The first, by name, of the files whose time has come; it is pending no more.
    mutating func next(at now: Int64) -> (String, Supervisor.PendingLook)? {
        if order.isEmpty { order = pending.filter { $0.value.notBefore <= now }.keys.sorted(by: >) }
        while let name = order.popLast() {
            if let look = pending.removeValue(forKey: name) { return (name, look) }
        }
        return nil
    }

    mutating func remove(_ name: String) { pending[name] = nil }

    mutating func removeAll() {
        pending = [:]
        order = []
        new = []
    }

    /// Sets the time at which the next doubt is over.
    func armDoubts(_ deadlines: Deadlines) {
        if let doubts { deadlines.set(doubts, at: known.deadline == .max ? nil : known.deadline) }
    }

    /// Goes on with what is pending in so many ns.
    func again(in time: Int64, _ deadlines: Deadlines, _ clock: any HostClock) {
        if let timer { deadlines.set(timer, at: clock.monotonic() + time) }
    }
}
