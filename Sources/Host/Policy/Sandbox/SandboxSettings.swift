/// The configured permissions of a worker.
public struct SandboxSettings: Equatable, Sendable {
    /// How strictly the sandbox is enforced.
    public enum Level: String, CaseIterable, Sendable {
        /// There is no sandbox.
        case off
        /// The sandbox is enforced as far as this kernel supports it.
        case on
        /// The sandbox is enforced completely; if this kernel does not support a part of it, the plugin is refused.
        case required
    }

    /// A selection of files and directories.
    public enum Paths: Equatable, Sendable {
        /// All except those of the host itself.
        case all
        /// Those that programs need in order to run at all, and the given ones.
        case only([String])
    }

    /// A selection of programs or of ports to connect to.
    public enum Selection<Value: Equatable & Sendable>: Equatable, Sendable {
        case any
        case only([Value])
    }

    /// How strictly the sandbox is enforced.
    public var level: Level
    /// The paths that may be read.
    public var read = Paths.all
    /// The paths that may be written in addition to the worker's own directories.
    public var write: [String] = []
    /// The programs that may be executed.
    public var execute = Selection<String>.any
    /// TCP ports to which the worker may connect.
    public var connect = Selection<UInt16>.any
    /// TCP ports on which the worker may listen.
    public var bind: [UInt16] = []
    /// Whether the worker may use UDP.
    public var udp = true
    /// Paths that the configuration gives as parameters.
    public var named: [String] = []
    /// The bounds of the paths that only the plugin's own file gives.
    public var bounds = BoundedPaths()
    /// Sockets in the file system to which the worker may connect.
    public var unix: [String] = []
    /// Names of system calls that are permitted although sandboxes refuse them otherwise.
    public var syscalls: [String] = []
    /// Names of variables that the worker inherits from the host's environment.
    public var environment: [String] = []

    /// Creates the built-in settings.
    public init(level: Level = .off) { self.level = level }

    /// What a filter for system calls depends on: with equal ones, the filters are the same.
    public var ofCalls: SandboxSettings {
        var settings = SandboxSettings(level: .on)
        settings.syscalls = syscalls
        settings.udp = udp
        settings.unix = unix.isEmpty ? [] : ["/"]
        settings.bind = bind.isEmpty ? [] : [1]
        settings.connect = connect == .only([]) ? .only([]) : .any
        return settings
    }
}
