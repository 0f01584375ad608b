internal import HostInspection

/// Files whose names are not UTF-8: neither a log nor a record could name them, so that they are told and left alone.
public enum ForeignNames {
    /// What is said of a name that would be a plugin's or a configuration's; nil for all others. `path` is what to show of
    /// it, with a replacement for each byte that cannot be read.
    public static func fault(of name: String, in path: String) -> String? {
        guard PluginFile.isCandidate(name) || name.hasSuffix(".json5") else { return nil }
        return "\(path): its name is not UTF-8, and is not looked at: rename it"
    }
}
