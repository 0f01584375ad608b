extension WorkerLimits {
    /// As words of a worker's command line; what has no limit is left out.
    public var arguments: [String] {
        [
            ("memory_mb", memoryMb), ("open_files", openFiles), ("processes", processes), ("cpu_percent", cpuPercent),
            ("cache_value_mb", cacheValueMb), ("cache_memory_mb", cacheMemoryMb),
        ].compactMap { name, value in value == 0 ? nil : "\(name)=\(value)" }
    }

    /// The limits of a worker's command line; words that are none are passed over.
    public init(arguments: some Sequence<String>) {
        var values: [Substring: UInt64] = [:]
        for word in arguments {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2, let value = UInt64(parts[1]) { values[parts[0]] = value }
        }
        self.init(
            memoryMb: values["memory_mb"] ?? 0, openFiles: values["open_files"] ?? 0,
            processes: values["processes"] ?? 0, cpuPercent: values["cpu_percent"] ?? 0,
            cacheValueMb: values["cache_value_mb"] ?? WorkerLimits().cacheValueMb,
            cacheMemoryMb: values["cache_memory_mb"] ?? WorkerLimits().cacheMemoryMb)
    }
}
