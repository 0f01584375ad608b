internal import HostInspection

/// Reports files whose names are not UTF-8. They are ignored, since neither a log nor a record could name them.
public enum ForeignNames {
    /// The message about a file that would be a plugin or a configuration if its name were UTF-8; nil for other files.
    /// `path` is shown in the message, with a replacement character for each unreadable byte.
    public static func fault(of name: String, in path: String) -> String? {
        guard PluginFile.isCandidate(name) || name.hasSuffix(".json5") else { return nil }
        return "\(path): its name is not UTF-8, and is not looked at: rename it"
    }
}
