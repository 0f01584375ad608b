internal import HostPolicy

/// What the host asks about all routines at each event, kept up to date with each change of one: a host may have 100 000 of
/// them, and to count them anew would let each routine's event cost as much as all of them.
struct RoutineCensus {
    /// The keys of the quarantined routines.
    private(set) var quarantined: Set<Int> = []
    /// The keys of the routines with an end that are in a session, whose progress can be shown.
    private(set) var withProgress: Set<Int> = []
    /// How many routines have, or will have, a session without further orders.
    private(set) var alive = 0

    /// Notes what may have changed about a routine: its policy's state, or whether it has a session.
    mutating func note(_ routine: RoutineEntry) {
        count(routine, isAlive: routine.policy.isAlive)
        keep(routine.key, routine.policy.state == .quarantined, in: &quarantined)
        keep(routine.key, routine.session != nil && routine.hasEnd, in: &withProgress)
    }

    /// The book forgets a routine.
    mutating func remove(_ routine: RoutineEntry) {
        count(routine, isAlive: false)
        quarantined.remove(routine.key)
        withProgress.remove(routine.key)
    }

    private mutating func count(_ routine: RoutineEntry, isAlive: Bool) {
        guard routine.isCountedAlive != isAlive else { return }
        routine.isCountedAlive = isAlive
        alive += isAlive ? 1 : -1
    }

    private func keep(_ key: Int, _ isIn: Bool, in keys: inout Set<Int>) {
        if isIn { keys.insert(key) } else if !keys.isEmpty { keys.remove(key) }
    }
}
