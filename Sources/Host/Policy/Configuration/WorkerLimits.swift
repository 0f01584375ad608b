extension WorkerLimits {
    /// As words of a worker's command line; what has no limit is left out.
    public var arguments: [String] {
        [
            ("memory_mb", memoryMb), ("open_files", openFiles), ("processes", processes), ("cpu_percent", cpuPercent),
            ("cache_value_mb", cacheValueMb), ("cache_memory_mb", cacheMemoryMb),
            ("sandbox", sandbox.level == .off ? 0 : 1),
        ].compactMap { name, value in value == 0 ? nil : "\(name)=\(value)" }
    }

    /// The limits of a worker's command line; words that are none are passed over.
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
