internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Gives the routines of a plugin their turns when they are due, and lets their callbacks sleep: on threads in real
/// time (`RunPool`), or in virtual time (`VirtualTime`).
protocol TurnDriver: AnyObject, Sendable {
    /// Whether each cycle gets a turn of its own, even if the next cycle is due at once.
    var separatesCycles: Bool { get }
    /// Whether it runs in virtual time. Then caches are refreshed on the asking thread, nothing is random, and the boot
    /// clock is not the machine's.
    var isVirtual: Bool { get }
    /// Gives a runner its first turn now.
    func begin(_ index: Int)
    /// Gives a waiting runner a turn now. A runner that has its turn sees its requests by itself.
    func poke(_ index: Int)
    /// Called when a callback asks whether it is to stop, which in virtual time nobody else can find out meanwhile.
    func attend()
    /// Lets a callback of the runner sleep until `deadline`; returns true as soon as its session is asked to stop.
    func sleep(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool
    /// Lets a callback of the runner wait until `deadline` or the next `poke`, while others have their turns. False if the
    /// calling thread must wait by itself; then it has not waited.
    func wait(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool
}

extension RunPool: TurnDriver {
    var separatesCycles: Bool { false }
    var isVirtual: Bool { false }
    func attend() {}
    func wait(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool { false }

    func sleep(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool {
        runner.requests.sleep(until: deadline)
    }
}
