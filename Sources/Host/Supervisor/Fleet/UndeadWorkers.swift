internal import HostSystem

/// Workers that were killed and are not gone: the kernel ends a process only when a call of it returns that waits for a disk
/// or a file server, and that may take for ever. What such a call writes may still come.
///
/// Each has its record, and other sessions begin in new workers. But a routine that runs on one host only must not, and its
/// claim is not given back, until its worker is gone.
struct UndeadWorkers {
    private var processes: [WorkerID: any WorkerProcess] = [:]

    /// Whether that one is among them.
    func contains(_ id: WorkerID) -> Bool { processes[id] != nil }

    /// A worker was not reaped in time. One that a debugger keeps as a zombie does nothing any more: it is gone.
    mutating func add(_ id: WorkerID, _ process: (any WorkerProcess)?) {
        if let process, !process.isGone() { processes[id] = process }
    }

    /// Those that are gone since the last call.
    mutating func takeGone() -> [WorkerID] {
        let gone = processes.filter { $0.value.isGone() }.keys
        for id in gone { processes[id] = nil }
        return gone.sorted { $0.number < $1.number }
    }
}

extension WorkerLink {
    func isGone() -> Bool { child.isGone() }
}
