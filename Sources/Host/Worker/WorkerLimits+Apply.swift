internal import HostPolicy
internal import HostSystem

extension HostProcess {
    /// Joins control groups; returns the controllers of those that could be joined.
    static func join(_ groups: GroupMembership) -> Set<GroupPlaces.Controller> {
        var joined: Set<GroupPlaces.Controller> = []
        for (folder, controllers) in groups.folders {
            if join(group: folder) {
                joined.formUnion(controllers)
            } else {
                StandardStream.error.write("it cannot join its control group \(folder)\n")
            }
        }
        return joined
    }

    /// Applies a plugin's limits to this process. The limits are independent of each other; one that the kernel refuses
    /// has no effect.
    ///
    /// The groups enforce the limits of their controllers. Without one `cpu_percent` is a share while the processors are
    /// busy, not a hard limit: a worker with 50 % gets a nice value higher by 10.
    static func apply(_ limits: WorkerLimits, in joined: Set<GroupPlaces.Controller>) {
        limitCoreFiles(to: 0)
        if limits.memoryMb > 0 {
            limitMemory(to: UInt(limits.memoryMb) << 20, reserve: UInt(WorkerLimits.reportMemoryMb) << 20)
        }
        if limits.openFiles > 0 { limitOpenFiles(to: UInt(limits.openFiles)) }
        if limits.cpuPercent > 0, !joined.contains(.cpu) { yield(by: Int32(100 - min(limits.cpuPercent, 100)) / 5) }
        if limits.processes > 0, !joined.contains(.pids) {
            limitUserTasks(to: limits.userTasks(beside: userTasks()), reserve: UInt(WorkerLimits.reportProcesses))
        }
    }
}
