internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// Ends this process when the leases of its sessions are over, by the kernel's timer: also where process or host were
/// stopped until then. Used on the control thread.
final class LeaseDeadline {
    /// How often the page is read while there are sessions, in ms: four times before they are over, within these bounds.
    private static let shortest: Int64 = 10
    private static let longest: Int64 = 2000

    private let page: LeasePage
    private let timer: KillTimer
    private let clock: any HostClock
    private var sessions: [Int: RoutineRunner] = [:]
    private var armed = BootTime.never

    /// Takes the page that the supervisor has given.
    init(_ file: consuming Descriptor, clock: any HostClock) throws(SystemError) {
        page = try LeasePage(reading: file)
        timer = try KillTimer()
        self.clock = clock
    }

    /// A session begins in that slot that lives by a lease.
    func begin(_ slot: Int, _ runner: RoutineRunner) throws(SystemError) {
        sessions[slot] = runner
        runner.session.lease = page
        try arm()
    }

    /// Puts the end off where the leases were renewed, and forgets sessions that have ended.
    func look() throws(SystemError) {
        guard !sessions.isEmpty else { return }
        sessions = sessions.filter { $0.value.isBusy }
        try arm()
    }

    private func arm() throws(SystemError) {
        let deadline = sessions.isEmpty ? .never : page.deadline
        if deadline != armed { try timer.arm(at: deadline) }
        armed = deadline
        // If it comes, the supervisor sees in the ledger that it was this, also where its leases are longer by then.
        for (slot, runner) in sessions {
            unsafe runner.plugin.ledger.slot(slot).pointee.leaseEnd.store(deadline.nanoseconds, ordering: .relaxed)
        }
    }

    /// How long to wait at most before `look` is called again, in ms; nil while there are no sessions.
    var tick: Int32? {
        if sessions.isEmpty { return nil }
        return Int32(max(Self.shortest, min((armed - clock.boot()) / 4_000_000, Self.longest)))
    }
}
