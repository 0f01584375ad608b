internal import HostPolicy
internal import HostValues

/// The supervisor's timers: each has a handler and at most one due time.
///
/// A *patient* timer limits what another process takes. Time in which nothing could run (all stopped by SIGSTOP, a
/// frozen control group, a suspended virtual machine) must not count, and no clock tells it. So while a patient timer
/// is set, the loop wakes once a second to check whether it is on time, and patient timers are postponed by the time
/// that it is late.
final class Deadlines {
    /// Identifies a timer.
    struct Timer {
        private let number: Int32
        fileprivate var id: Int { Int(number) }

        fileprivate init(id: Int) { number = Int32(clamping: id) }
    }

    /// The state of a patient timer that is set.
    private struct Patience {
        /// The time that it was set to.
        var wanted: MonotonicTime
        /// By how much it is postponed, in ns.
        var extra: Int64 = 0
    }

    /// How often the loop wakes while a patient timer is set, in ns.
    private static let period: Int64 = 1_000_000_000
    /// How late such a wake-up may be, in ns. More cannot be caused by this program's own work.
    private static let lateness: Int64 = 1_000_000_000

    private var queue = DueQueue<MonotonicTime>()
    private var handlers: [Int: (MonotonicTime) -> Void] = [:]
    private var free: [Int] = []
    private var nextID = 0
    private var patient: Set<Int> = []
    private var waiting: [Int: Patience] = [:]
    /// When the loop must wake next for this check.
    private var pulse: MonotonicTime?
    /// The value of `pulse` if the loop must wake at once, to establish the present time.
    private static let atOnce = MonotonicTime.longAgo

    /// Makes a timer that is not set. The handler receives the present time.
    func make(isPatient: Bool = false, _ handler: @escaping (MonotonicTime) -> Void) -> Timer {
        let id = free.popLast() ?? nextID
        if id == nextID { nextID += 1 }
        handlers[id] = handler
        if isPatient { patient.insert(id) }
        return Timer(id: id)
    }

    /// Sets the due time; nil unsets it. Setting a patient timer to the time that it has already keeps its
    /// postponement.
    func set(_ timer: Timer, at time: MonotonicTime?) {
        guard handlers[timer.id] != nil else { return }
        guard let time else {
            waiting[timer.id] = nil
            return queue.remove(timer.id)
        }
        guard patient.contains(timer.id) else { return queue.set(timer.id, due: time) }
        if waiting[timer.id]?.wanted == time { return }
        waiting[timer.id] = Patience(wanted: time)
        queue.set(timer.id, due: time)
        pulse = pulse ?? Self.atOnce
    }

    /// Removes a timer.
    func remove(_ timer: Timer) {
        guard handlers.removeValue(forKey: timer.id) != nil else { return }
        queue.remove(timer.id)
        patient.remove(timer.id)
        waiting[timer.id] = nil
        free.append(timer.id)
    }

    /// Calls the handlers of all due timers.
    func settle(now: MonotonicTime) {
        if let pulse, pulse <= now { wake(pulse, now) }
        while let id = queue.popDue(now: now) {
            waiting[id] = nil
            handlers[id]?(now)
        }
    }

    private func wake(_ due: MonotonicTime, _ now: MonotonicTime) {
        let late = due == Self.atOnce ? 0 : now - due
        pulse = waiting.isEmpty ? nil : now + Self.period
        guard late > Self.lateness else { return }
        for (id, patience) in waiting {
            let extra = patience.extra + late
            waiting[id]?.extra = extra
            queue.set(id, due: patience.wanted + extra)
        }
    }

    /// The earliest due time, or `never`.
    var earliest: MonotonicTime { min(queue.earliest, pulse ?? .never) }
}
