/// What a worker may touch, as it is configured.
public struct SandboxSettings: Equatable, Sendable {
    /// How strict the sandbox is.
    public enum Level: String, CaseIterable, Sendable {
        /// There is none.
        case off
        /// As much as this kernel can enforce.
        case on
        /// All of it; where a part cannot be enforced, the plugin is refused.
        case required
    }

    /// Files and folders.
    public enum Paths: Equatable, Sendable {
        /// All but the host's own.
        case all
        /// What programs need to run at all, and these.
        case only([String])
    }

    /// Programs, or ports to connect to.
    public enum Selection<Value: Equatable & Sendable>: Equatable, Sendable {
        case any
        case only([Value])
    }

    /// How strict it is.
    public var level: Level
    /// What may be read.
    public var read = Paths.all
    /// What may be written beside the worker's own folders.
    public var write: [String] = []
    /// What may be executed.
    public var execute = Selection<String>.any
    /// TCP ports that may be connected to.
    public var connect = Selection<UInt16>.any
    /// TCP ports that may be listened at.
    public var bind: [UInt16] = []
    /// Whether UDP may be used.
    public var udp = true
    /// Paths that the configuration gives as parameters.
    public var named: [String] = []
    /// Sockets in the file system that may be connected to.
    public var unix: [String] = []
    /// System calls that are given back, by name.
    public var syscalls: [String] = []
    /// Variables of the host's environment that the worker has too.
    public var environment: [String] = []

    /// The built-in ones.
    public init(level: Level = .off) { self.level = level }
}
