internal import HostCore
internal import Synchronization

/// The routine's numbers in the ledger: plain stores, since only the thread with the turn writes them.
extension RoutineRunner {
    /// A slot for a new session.
    func beginLedger(_ id: SessionID, twin: UnsafeMutablePointer<LedgerTwin>, now: Int64) {
        let slot = unsafe ledger
        unsafe cell.pointee.account = TwinAccount(twin, session: id.rawValue)
        unsafe slot.pointee.state.store(LedgerState.idle.rawValue, ordering: .relaxed)
        unsafe slot.pointee.end.store(0, ordering: .relaxed)
        unsafe slot.pointee.cycle.store(0, ordering: .relaxed)
        unsafe slot.pointee.began.store(now, ordering: .relaxed)
        unsafe slot.pointee.due.store(now, ordering: .relaxed)
        unsafe slot.pointee.failures.store(0, ordering: .relaxed)
        unsafe slot.pointee.missed.store(0, ordering: .relaxed)
        unsafe slot.pointee.lastDuration.store(0, ordering: .relaxed)
        unsafe slot.pointee.totalDuration.store(0, ordering: .relaxed)
        unsafe slot.pointee.longest.store(0, ordering: .relaxed)
        unsafe slot.pointee.startedBoot.store(now, ordering: .relaxed)
        unsafe slot.pointee.attempt.store(1, ordering: .relaxed)
        noteNext()
        for index in 0..<LedgerHistogram.count {
            unsafe slot.pointee.durations[index].store(0, ordering: .relaxed)
            unsafe slot.pointee.lateness[index].store(0, ordering: .relaxed)
        }
        unsafe slot.pointee.session.store(id.rawValue, ordering: .releasing)
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .releasing)
    }

    /// What failed and was missed, for the twin.
    func noteFailures(_ state: LedgerState) {
        unsafe cell.pointee.account.set(
            failures: cell.pointee.schedule.failures, missed: cell.pointee.schedule.missed, state,
            cycle: cell.pointee.schedule.cycle)
    }

    /// One cycle's times.
    @inline(__always)
    func count(start: Int64, end: Int64, due: Int64) {
        let slot = unsafe ledger
        let duration = end &- start
        unsafe slot.pointee.lastDuration.store(duration, ordering: .relaxed)
        unsafe slot.pointee.totalDuration.store(
            slot.pointee.totalDuration.load(ordering: .relaxed) &+ duration, ordering: .relaxed)
        if unsafe duration > slot.pointee.longest.load(ordering: .relaxed) {
            unsafe slot.pointee.longest.store(duration, ordering: .relaxed)
        }
        let bucket = LedgerHistogram.bucket(duration)
        unsafe slot.pointee.durations[bucket].store(
            slot.pointee.durations[bucket].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        let late = LedgerHistogram.bucket(start &- due)
        unsafe slot.pointee.lateness[late].store(
            slot.pointee.lateness[late].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        unsafe slot.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
    }
}
