/// What `schedhost try` is to do: the plugin, its routines and their settings.
public struct TrialOptions: Equatable, Sendable {
    /// The plugin's file.
    public var file: String
    /// The routines to run; empty means all that are enabled.
    public var routines: [String] = []
    /// The name of the plugin's instance to run; nil means the plugin without an instance.
    public var instance: String?
    /// The host's configuration file; nil means the schedhost.json5 beside the plugin, if there is one.
    public var config: String?
    /// Parameters, each as `NAME=VALUE`.
    public var parameters: [String] = []
    /// The number of cycles of each session; nil means as configured.
    public var cycles: UInt64?
    /// The seed of the random numbers; nil means a random one from the system.
    public var seed: UInt64?

    /// Creates options that run all routines of `file`.
    public init(file: String) { self.file = file }
}
