internal import HostPolicy

/// The supervisor's timers: each has an owner's handler, and at most one time.
final class Deadlines {
    /// Names one timer.
    struct Timer {
        fileprivate let id: Int
    }

    private var queue = DueQueue()
    private var handlers: [Int: (Int64) -> Void] = [:]
    private var free: [Int] = []
    private var nextID = 0

    /// A timer without a time. The handler gets the present time.
    func make(_ handler: @escaping (Int64) -> Void) -> Timer {
        let id = free.popLast() ?? nextID
        if id == nextID { nextID += 1 }
        handlers[id] = handler
        return Timer(id: id)
    }

    /// Sets its time (monotonic ns); nil for none.
    func set(_ timer: Timer, at time: Int64?) {
        guard handlers[timer.id] != nil else { return }
        if let time { queue.set(timer.id, due: time) } else { queue.remove(timer.id) }
    }

    /// Gives a timer back.
    func remove(_ timer: Timer) {
        guard handlers.removeValue(forKey: timer.id) != nil else { return }
        queue.remove(timer.id)
        free.append(timer.id)
    }

    /// Calls the handlers whose time has come.
    func settle(now: Int64) {
        while let id = queue.popDue(now: now) { handlers[id]?(now) }
    }

    /// The earliest time, or `Int64.max`.
    var earliest: Int64 { queue.earliest }
}
