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

    /// An lldb that starts: Debian's, where that of the toolchain wants another Python than this system has.
    static func lldb() async throws -> String? {
        for lldb in ["/usr/bin/lldb", "lldb"] {
            let command = try Command(["/usr/bin/env", lldb, "--version"], in: Scratch())
            if try await command.ended() == .exited(0) { return lldb }
        }
        return nil
    }
}
