internal import HostValues

/// What a plugin did that its sandbox refuses, and the settings that would allow it. Pure.
public struct SandboxNeeds: Equatable, Sendable {
    /// One thing that it did.
    public enum Need: Hashable, Sendable {
        /// It wrote a file, or in a folder.
        case write(String)
        /// It connected to a socket of the file system.
        case unix(String)
        /// It listened at a TCP port.
        case bind(UInt16)
        /// It made a call that is refused.
        case call(String)
    }

    private var writes: Set<String> = []
    private var sockets: Set<String> = []
    private var ports: Set<UInt16> = []
    private var calls: Set<String> = []

    /// What is needed beside what these settings, and the folders that may be written anyway, allow already.
    public init(_ needs: some Sequence<Need>, beside settings: SandboxSettings, folders: [String]) {
        let written = settings.write + folders + ["/dev/null", "/dev/zero", "/dev/full", "/proc"]
        for need in needs {
            switch need {
            case .write(let path):
                if !written.contains(where: { NamedPaths.isBeneath(path, $0) }) { writes.insert(path) }
            case .unix(let path): if !settings.unix.contains(path) { sockets.insert(path) }
            case .bind(let port): if !settings.bind.contains(port) { ports.insert(port) }
            case .call(let name): if !settings.syscalls.contains(name) { calls.insert(name) }
            }
        }
        // What lies beneath another one is allowed with that.
        writes = writes.filter { path in !writes.contains { $0 != path && NamedPaths.isBeneath(path, $0) } }
    }

    /// Whether there is nothing.
    public var isEmpty: Bool { writes.isEmpty && sockets.isEmpty && ports.isEmpty && calls.isEmpty }

    /// The settings, as a configuration has them.
    public var block: String {
        func list(_ words: some Sequence<String>) -> String { words.sorted().map(Self.quoted).joined(separator: ", ") }
        var lines: [String] = []
        if !writes.isEmpty { lines.append("write: [\(list(writes))],") }
        if !ports.isEmpty { lines.append("bind: [\(ports.sorted().map(String.init).joined(separator: ", "))],") }
        if !sockets.isEmpty { lines.append("unix: [\(list(sockets))],") }
        if !calls.isEmpty { lines.append("syscalls: [\(list(calls))],") }
        return "sandbox: {\n" + lines.map { "    \($0)\n" }.joined() + "}"
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).json }
}
