internal import HostPolicy
internal import HostSystem
internal import HostValues

extension Remains {
    /// Collects what a dead worker with these sessions, by slot, has left on its crash page, its standard error and its ledger.
    init(of process: any WorkerProcess, sessions: [Int: SessionID], now: MonotonicTime) {
        self.init()
        if let page = process.crash {
            signal = page.signal
            signalName = HostSystem.signalName(page.signal)
            thread = page.thread
            ownWords = page.words
        }
        lastWords = process.lastWords(now: now)
        for (slot, session) in sessions {
            if let snapshot = process.snapshot(slot: slot), snapshot.session == session.rawValue {
                snapshots[slot] = snapshot
            } else if process.isSpoiled(slot: slot) {
                spoiled.insert(slot)
            }
        }
    }
}
