/// Which plugin is to be tried, and how: what `schedhost try` and who carries it out speak of.
public struct TrialOptions: Equatable, Sendable {
    /// The plugin's file.
    public var file: String
    /// The routines that run; empty: all that are enabled.
    public var routines: [String] = []
    /// The instance of the plugin that it is; nil: the plugin as itself.
    public var instance: String?
    /// The host's configuration; nil: schedhost.json5 beside the plugin, if there is one.
    public var config: String?
    /// Parameters, `NAME=VALUE`.
    public var parameters: [String] = []
    /// Cycles of each session; nil: as is configured.
    public var cycles: UInt64?
    /// What random numbers come from; nil: from the system.
    public var seed: UInt64?

    /// All routines of that file.
    public init(file: String) { self.file = file }
}
