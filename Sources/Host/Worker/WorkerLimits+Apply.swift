internal import HostPolicy
internal import HostSystem

extension HostProcess {
    /// Applies a plugin's limits to this process. Each is a step of its own; what the kernel refuses is left as it is.
    ///
    /// `cpu_percent` is a share when the processors are busy, not a bound: a worker with 50 % is 10 levels nicer.
    static func apply(_ limits: WorkerLimits) {
        limitCoreFiles(to: 0)
        if limits.memoryMb > 0 { limitMemory(to: UInt(limits.memoryMb) << 20) }
        if limits.openFiles > 0 { limitOpenFiles(to: UInt(limits.openFiles)) }
        if limits.cpuPercent > 0 { yield(by: Int32(100 - min(limits.cpuPercent, 100)) / 5) }
        let owner = environment(HostMark.variable) ?? ""
        if limits.processes > 0, !ControlGroup.confine(processes: limits.processes, owner: owner) {
            // The kernel counts per user: what the others have now is not this worker's.
            limitUserTasks(to: UInt(userTasks()) + UInt(limits.processes))
        }
    }
}
