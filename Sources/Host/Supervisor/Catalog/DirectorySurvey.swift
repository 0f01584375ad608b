internal import HostSystem
internal import HostValues

/// Compares successive listings of a directory to find changes, for polling. Pure.
struct DirectorySurvey {
    private var told: [String: FileStatus]?
    private var seen: [String: FileStatus] = [:]

    /// Whether a file of that name can be a plugin, a library or a configuration.
    static func isOfInterest(_ name: String) -> Bool {
        !name.hasPrefix(".") && (name.hasSuffix(".json5") || name.contains(".so"))
    }

    /// Takes the next listing and returns the names of files that have gone, and of files that differ from what was
    /// reported last and are unchanged since the previous listing: a file that is still being written is reported only
    /// when it no longer changes. The first listing reports nothing.
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
