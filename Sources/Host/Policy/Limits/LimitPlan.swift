/// The control groups for a worker's limits, with the files to write in each. Pure.
public struct LimitPlan: Equatable, Sendable {
    /// A value to write to a file of a group.
    public struct Setting: Equatable, Sendable {
        /// The file's name.
        public let file: String
        /// The value.
        public let value: String
        /// Whether the limit holds without it: some machines lack the file.
        public let isOptional: Bool

        init(_ file: String, _ value: String, isOptional: Bool = false) {
            self.file = file
            self.value = value
            self.isOptional = isOptional
        }
    }

    /// A group to create.
    public struct Group: Equatable, Sendable {
        /// The folder in which to create it.
        public let place: GroupPlaces.Place
        /// The values to write, by controller.
        public let settings: [GroupPlaces.Controller: [Setting]]
    }

    /// The groups, at most one in each place.
    public let groups: [Group]

    /// The period in which a worker may use its share of a processor, us.
    private static let period: UInt64 = 100_000

    /// Plans the groups for a worker with these limits.
    public init(_ limits: WorkerLimits, in places: GroupPlaces) {
        var byPlace: [GroupPlaces.Place: [GroupPlaces.Controller: [Setting]]] = [:]
        var order: [GroupPlaces.Place] = []
        for controller in GroupPlaces.Controller.allCases {
            guard let place = places.places[controller] else { continue }
            let settings = Self.settings(of: controller, limits, place.version)
            if settings.isEmpty { continue }
            if byPlace[place] == nil { order.append(place) }
            byPlace[place, default: [:]][controller] = settings
        }
        groups = order.compactMap { place in byPlace[place].map { Group(place: place, settings: $0) } }
    }

    private static func settings(
        of controller: GroupPlaces.Controller, _ limits: WorkerLimits, _ version: GroupPlaces.Version
    ) -> [Setting] {
        switch (controller, version) {
        case (.cpu, _) where limits.cpuPercent == 0, (.memory, _) where limits.memoryMb == 0,
            (.pids, _) where limits.processes == 0:
            return []
        case (.cpu, .second): return [Setting("cpu.max", "\(quota(limits)) \(period)")]
        case (.cpu, .first):
            return [Setting("cpu.cfs_period_us", "\(period)"), Setting("cpu.cfs_quota_us", "\(quota(limits))")]
        case (.memory, .second):
            // Otherwise memory beyond the limit would be moved to swap space.
            return [Setting("memory.max", bytes(limits)), Setting("memory.swap.max", "0", isOptional: true)]
        case (.memory, .first):
            return [
                Setting("memory.limit_in_bytes", bytes(limits)),
                Setting("memory.memsw.limit_in_bytes", bytes(limits), isOptional: true),
            ]
        case (.pids, _): return [Setting("pids.max", "\(limits.processes)")]
        }
    }

    /// The number of processes that the kernel has killed in a group, from the contents of memory.events or
    /// memory.oom_control; nil if it does not say.
    public static func memoryKills(_ text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return Int(words[1]) }
        }
        return nil
    }

    private static func quota(_ limits: WorkerLimits) -> UInt64 { min(limits.cpuPercent, 100) * period / 100 }

    private static func bytes(_ limits: WorkerLimits) -> String { "\(limits.memoryMb << 20)" }
}
