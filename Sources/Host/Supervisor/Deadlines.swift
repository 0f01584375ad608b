internal import HostPolicy
internal import HostValues

/// The supervisor's timers: each has an owner's handler, and at most one time.
///
/// A *patient* timer bounds what another process takes. Time in which nothing ran (SIGSTOP of all, a frozen control group, a
/// virtual machine that stands still) is nobody's, and no clock tells it. So while a patient timer has a time, the loop is
/// woken each second, for no more than to see whether it was on time; by what it is late the patient timers come later.
final class Deadlines {
    /// Names one timer.
    struct Timer {
        fileprivate let id: Int
    }

    /// What a patient timer waits for.
    private struct Patience {
        /// The time that it was set to.
        var wanted: MonotonicTime
        /// By how much it comes later.
        var extra: Int64 = 0
    }

    /// How often the loop is woken while something patient waits, ns.
    private static let period: Int64 = 1_000_000_000
    /// How late it may be then, ns. What makes it later is not this program's own work.
    private static let lateness: Int64 = 1_000_000_000

    private var queue = DueQueue<MonotonicTime>()
    private var handlers: [Int: (MonotonicTime) -> Void] = [:]
    private var free: [Int] = []
    private var nextID = 0
    private var patient: Set<Int> = []
    private var waiting: [Int: Patience] = [:]
    /// When the loop is to be woken next.
    private var pulse: MonotonicTime?
    /// What `pulse` is when the loop is to be woken as soon as it comes round, to learn the time.
    private static let atOnce = MonotonicTime.longAgo

    /// A timer without a time. The handler gets the present time.
    func make(isPatient: Bool = false, _ handler: @escaping (MonotonicTime) -> Void) -> Timer {
        let id = free.popLast() ?? nextID
        if id == nextID { nextID += 1 }
        handlers[id] = handler
        if isPatient { patient.insert(id) }
        return Timer(id: id)
    }

    /// Sets its time; nil for none. A patient timer that is set to the time that it has already keeps what it
    /// was given beyond that.
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

    /// Gives a timer back.
    func remove(_ timer: Timer) {
        guard handlers.removeValue(forKey: timer.id) != nil else { return }
        queue.remove(timer.id)
        patient.remove(timer.id)
        waiting[timer.id] = nil
        free.append(timer.id)
    }

    /// Calls the handlers whose time has come.
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

    /// The earliest time, or `never`.
    var earliest: MonotonicTime { min(queue.earliest, pulse ?? .never) }
}
