import FoundationEssentials
import HostSystem

/// Programs that some tests use.
enum Tools {
    /// Whether containers can be imitated: by unshare(1), as root.
    static var hasNamespaces: Bool { HostProcess.user == 0 && has("unshare") }

    /// Whether one is on the path.
    static func has(_ tool: String) -> Bool {
        (HostProcess.environment("PATH") ?? "").split(separator: ":").contains { folder in
            FileManager.default.isExecutableFile(atPath: "\(folder)/\(tool)")
        }
    }
}
