internal import HostValues

extension WorkerLimits {
    /// The limits as words of a worker's command line; limits that are 0 are omitted.
    public var arguments: [String] {
        [
            ("memory_mb", memoryMb), ("open_files", openFiles), ("processes", processes), ("cpu_percent", cpuPercent),
            ("cache_value_mb", cacheValueMb), ("cache_memory_mb", cacheMemoryMb),
            ("sandbox", sandbox.level == .off ? 0 : 1),
        ].compactMap { name, value in value == 0 ? nil : "\(name)=\(value)" }
    }

    /// Whether any of the limits can be enforced by a control group.
    public var hasGroups: Bool { memoryMb > 0 || processes > 0 || cpuPercent > 0 }

    /// The memory that a crash report may need beyond the worker's own, in MB. The backtracer was seen to need 20 MB.
    public static let reportMemoryMb: UInt64 = 128
    /// The number of processes and threads that write a crash report, at most.
    public static let reportProcesses: UInt64 = 8

    /// The value of `RLIMIT_NPROC`, by which the kernel counts all tasks of a user: `existing` ones, which include the
    /// worker itself.
    public func userTasks(beside existing: Int) -> UInt {
        UInt(clamping: UInt64(clamping: existing).clampedPlus(max(processes, 1) - 1))
    }

    /// The limits while a crash report is written. Its writer runs in the worker's control groups, because the worker
    /// starts it, and a worker that died of a limit has left no room in them.
    public var withRoomForReport: WorkerLimits {
        var limits = self
        if memoryMb > 0 { limits.memoryMb = memoryMb.clampedPlus(Self.reportMemoryMb) }
        if processes > 0 { limits.processes = processes.clampedPlus(Self.reportProcesses) }
        if cpuPercent > 0 { limits.cpuPercent = 100 }
        return limits
    }

    /// The limits with the further paths that another plugin's sandbox grants.
    public func naming(_ other: SandboxSettings) -> WorkerLimits {
        var limits = self
        limits.sandbox.bounds.share(named: other.named, with: sandbox.named, other.bounds)
        limits.sandbox.named += other.named.filter { !limits.sandbox.named.contains($0) }
        return limits
    }

    /// How well an existing worker matches wanted limits.
    public enum Fit: Equatable, Sendable {
        case good
        /// The worker is a shared one, and its sandbox lacks only some of the wanted paths.
        case lacksPaths
        case bad
    }

    /// How well a worker with these limits matches wanted ones. A shared worker has the paths of all its plugins.
    public func fit(for wanted: WorkerLimits, isShared: Bool) -> Fit {
        if self == wanted { return .good }
        var same = self
        same.sandbox.named = wanted.sandbox.named
        same.sandbox.bounds = wanted.sandbox.bounds
        guard isShared, same == wanted else { return .bad }
        return naming(wanted.sandbox) == self ? .good : .lacksPaths
    }

    /// Parses the limits in a worker's command line; other words are ignored.
    public init(arguments: [String]) {
        var limits = WorkerLimits()
        for word in arguments {
            guard let equals = word.utf8.firstIndex(of: UInt8(ascii: "=")),
                let value = UInt64(word[word.utf8.index(after: equals)...])
            else { continue }
            switch word[..<equals] {
            case "memory_mb": limits.memoryMb = value
            case "open_files": limits.openFiles = value
            case "processes": limits.processes = value
            case "cpu_percent": limits.cpuPercent = value
            case "cache_value_mb": limits.cacheValueMb = value
            case "cache_memory_mb": limits.cacheMemoryMb = value
            case "sandbox": limits.sandbox.level = value == 0 ? .off : .on
            default: continue
            }
        }
        self = limits
    }
}
