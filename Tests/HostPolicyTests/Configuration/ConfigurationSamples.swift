import HostValues

/// What the tests of the configuration share.
enum ConfigurationSamples {
    private static func parameter(
        _ name: String, _ type: PluginDescription.Parameter.Kind, _ defaultValue: String?, _ range: String? = nil
    ) -> PluginDescription.Parameter {
        PluginDescription.Parameter(
            name: name, type: type, defaultValue: defaultValue, range: range, description: nil)
    }

    /// A plugin that declares a parameter of each type.
    static let market = PluginDescription(
        id: "market", version: "1", description: nil, isSerial: false,
        parameters: [
            parameter("port", .int, "8080", "1..65535"), parameter("ratio", .double, "0.5", "0..1"),
            parameter("mode", .string, "fast", "fast|slow"), parameter("verbose", .bool, "false"),
            parameter("name", .string, nil),
        ],
        routines: [
            PluginDescription.Routine(name: "sample", description: nil, waitMs: 1000, maxCycles: 5, timeoutMs: 0),
            PluginDescription.Routine(name: "report", description: nil, waitMs: 60_000, maxCycles: 0, timeoutMs: 9000),
        ])
}
