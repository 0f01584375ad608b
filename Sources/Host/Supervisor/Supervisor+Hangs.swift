internal import HostCore
internal import HostSystem

/// Hangs: callbacks that are over their time, and workers that take long to die.
extension Supervisor {
    /// How long a worker may take from a fatal signal to its end: the time for its crash report, ns.
    private static let dyingTime: Int64 = 10_000_000_000
    /// The least time between two looks, ns: whatever ledgers say, the supervisor does not spin.
    private static let leastTime: Int64 = 1_000_000

    /// Looks at all routines that run for callbacks that are over their time.
    func lookForHangs() {
        for routine in routines.values {
            guard let session = routine.session else { continue }
            let snapshot = session.worker.snapshot(slot: session.slot).flatMap {
                $0.session == session.id.rawValue ? $0 : nil
            }
            let boot = clock.boot()
            let now = ClockReading(boot: boot, monotonic: clock.monotonic())
            let timeout = routine.settings.timeoutNanoseconds
            // A ledger that a plugin has spoiled says nothing: the session has one timeout to end by itself.
            let observed =
                snapshot?.hangSnapshot(timeout: timeout)
                ?? .init(
                    state: .busy, session: session.id.rawValue, cycle: .max, began: 0, due: .max, timeout: timeout)
            guard hangs.observe(routine.key, observed, at: now) != nil else { continue }
            endHanging(routine, session, snapshot, at: now.monotonic)
        }
        armHangs()
    }

    private func endHanging(
        _ routine: RoutineEntry, _ session: RoutineEntry.Session, _ snapshot: LedgerSnapshot?, at now: Int64
    ) {
        let worker = session.worker
        // What has a fatal signal already writes its report, and is dead soon.
        if let page = worker.crash, page.signal != 0 {
            worker.dyingDeadline = worker.dyingDeadline ?? now + Self.dyingTime
            return armWorkerTimer(worker)
        }
        worker.hungSlot = session.slot
        let place = snapshot.map { "\($0.phase ?? "callback") of cycle \($0.cycle)" } ?? "a callback that hides itself"
        log.write(.error, routine.identifier, "\(place) is over its time: ending its worker")
        perform(worker.escalation.handle(.hang(thread: snapshot?.thread ?? 0), at: now), on: worker)
        armWorkerTimer(worker)
    }

    func armHangs() {
        guard let hangTimer else { return }
        let boot = clock.boot()
        let now = clock.monotonic()
        let next = hangs.nextLook(at: ClockReading(boot: boot, monotonic: now))
        deadlines.set(hangTimer, at: next.map { max($0.monotonic, now + Self.leastTime) })
    }
}
