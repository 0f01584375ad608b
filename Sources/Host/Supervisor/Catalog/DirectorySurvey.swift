internal import HostSystem
internal import HostValues

/// What has changed in a directory between two looks at it. Pure.
struct DirectorySurvey {
    private var told: [String: FileStatus]?
    private var seen: [String: FileStatus] = [:]

    /// Whether a name can be that of a plugin, a library or settings.
    static func isOfInterest(_ name: String) -> Bool {
        !name.hasPrefix(".") && (name.hasSuffix(".json5") || name.contains(".so"))
    }

    /// The names that are gone, and those of files that are others than was told last and the same as at the last look: what
    /// is still being written is told when it has come to rest. At the first look, nothing.
    mutating func take(_ statuses: [String: FileStatus]) -> Set<String> {
        defer { seen = statuses }
        guard var told else {
            told = statuses
            return []
        }
        var changed: Set<String> = []
        for name in told.keys where statuses[name] == nil { changed.insert(name) }
        for (name, status) in statuses where told[name] != status && seen[name] == status { changed.insert(name) }
        for name in changed { told[name] = statuses[name] }
        self.told = told
        return changed
    }
}
