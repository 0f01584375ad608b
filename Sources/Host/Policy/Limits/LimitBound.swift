/// How one of a worker's limits is enforced. Pure.
public struct LimitBound: Equatable, Sendable {
    /// The limit, named as the setting within `limits`.
    public enum Kind: String, CaseIterable, Sendable {
        case memory = "memory_mb"
        case openFiles = "open_files"
        case processes
        case processor = "cpu_percent"
    }

    /// The mechanism.
    public enum Means: Equatable, Sendable {
        /// A file of a control group.
        case group(String)
        /// A resource limit: a process's data, its open files, or the processes of its user. setrlimit(2)
        case data, openFiles, userTasks
        /// A nice value: a share while others want the processor too.
        case nice
        /// Nothing.
        case nothing
    }

    /// The limit.
    public let kind: Kind
    /// The configured value.
    public let value: UInt64
    /// The mechanism that enforces it.
    public let means: Means

    /// The limits of a worker that has joined groups with these controllers. `isRoot`: it runs as root, whose processes the
    /// kernel does not limit.
    public static func all(
        of limits: WorkerLimits, in groups: GroupPlaces, joined: Set<GroupPlaces.Controller>, isRoot: Bool
    ) -> [LimitBound] {
        func means(_ controller: GroupPlaces.Controller, _ first: String, _ second: String, else other: Means) -> Means
        {
            guard joined.contains(controller), let place = groups.places[controller] else { return other }
            switch place.version {
            case .first: return .group(first)
            case .second: return .group(second)
            }
        }
        return Kind.allCases.compactMap { kind in
            let bound =
                switch kind {
                case .memory:
                    LimitBound(
                        kind: kind, value: limits.memoryMb,
                        means: means(.memory, "memory.limit_in_bytes", "memory.max", else: .data))
                case .openFiles: LimitBound(kind: kind, value: limits.openFiles, means: .openFiles)
                case .processes:
                    LimitBound(
                        kind: kind, value: limits.processes,
                        means: means(.pids, "pids.max", "pids.max", else: isRoot ? .nothing : .userTasks))
                case .processor:
                    LimitBound(
                        kind: kind, value: limits.cpuPercent,
                        means: means(.cpu, "cpu.cfs_quota_us", "cpu.max", else: .nice))
                }
            return bound.value > 0 ? bound : nil
        }
    }

    /// The mechanism's name.
    public var by: String {
        switch means {
        case .group(let file): file
        case .data: "RLIMIT_DATA only"
        case .openFiles: "RLIMIT_NOFILE"
        case .userTasks: "RLIMIT_NPROC only"
        case .nice: "nice only"
        case .nothing: "nothing"
        }
    }

    /// The limit as text: `memory 64 MB by memory.max`.
    public var text: String {
        switch kind {
        case .memory: "memory \(value) MB by \(by)"
        case .openFiles: "\(value) open files by \(by)"
        case .processes: "\(value) processes by \(by)"
        case .processor: "processor \(value) % by \(by)"
        }
    }

    /// What the mechanism does not enforce; nil if it enforces all of the limit.
    public var shortfall: String? {
        switch means {
        case .group, .openFiles: nil
        case .data: "limits.memory_mb holds for each process's own data, not for shared memory and files"
        case .userTasks: "limits.processes counts all processes of the user"
        case .nice: "limits.cpu_percent is a share where others want the processor too, and no bound"
        case .nothing: "limits.processes does not hold, since root has no such limit"
        }
    }

    /// The warning about limits that are enforced in part only; nil if there are none.
    public static func warning(_ bounds: [LimitBound]) -> String? {
        let shortfalls = bounds.compactMap(\.shortfall)
        if shortfalls.isEmpty { return nil }
        return shortfalls.joined(separator: "; ")
            + ": no control group can be had for that here; a systemd unit with Delegate=cpu memory pids has them"
    }
}
