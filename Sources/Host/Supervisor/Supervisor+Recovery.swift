internal import HostCore
internal import HostSystem

/// What the host before this one owes, when it died.
extension Supervisor {
    /// Writes the records that the host before this one owes.
    func recover() {
        var records: [SessionRecord] = []
        for entry in open.owed where !store.contains(entry.session) {
            var snapshot: LedgerSnapshot?
            var text = "the host died"
            if let ledger = WorkerLedger(left: entry.ledger, in: state.ledgers) {
                snapshot = ledger.snapshot(slot: entry.slot)
                if snapshot?.session != entry.session.rawValue {
                    snapshot = nil
                    if ledger.isSpoiled(slot: entry.slot) { text += Self.overwritten }
                }
            }
            records.append(recovered(entry, snapshot, text))
        }
        do throws(SystemError) {
            try store.append(records)
            sweepReports()
            ControlGroup.sweep()
            for name in try state.ledgers.names() { try state.ledgers.remove(name) }
            try open.settled()
        } catch {
            log.write(.error, "", "\(error)")
        }
        if !records.isEmpty {
            log.write(
                .warning, "",
                "the host before this one died: \(records.count) of its sessions recorded as \(SessionRecord.Kind.hostDied.rawValue)"
            )
        }
    }

    private func recovered(_ entry: OpenSession, _ snapshot: LedgerSnapshot?, _ text: String) -> SessionRecord {
        // The last sign of life: when the last callback began.
        let last = max(snapshot?.began ?? entry.startBoot, entry.startBoot)
        let duration = min(max(0, last &- entry.startBoot) / 1_000_000, max(0, clock.boot() / 1_000_000))
        let kind = snapshot?.state == .ended ? snapshot?.end ?? .hostDied : .hostDied
        let isInPlugin = snapshot?.isInPlugin ?? false
        let identifier = entry.plugin + "/" + entry.routine
        let cycles = snapshot?.cycle ?? 0
        lifetimes[identifier] = lifetime(identifier) &+ cycles
        return SessionRecord(
            session: entry.session, plugin: entry.plugin, pluginVersion: entry.version, build: entry.build,
            routine: entry.routine, host: hostName, pid: entry.pid, startMs: entry.startMs,
            finishMs: entry.startMs &+ duration, durationMs: duration, cycles: cycles,
            failures: snapshot?.failures ?? 0, missed: snapshot?.missed ?? 0,
            lifetimeCycles: lifetimes[identifier],
            reason: SessionRecord.Reason(
                kind, text: text, cycle: isInPlugin ? snapshot?.cycle : nil,
                phase: isInPlugin ? snapshot?.phase : nil))
    }
}
