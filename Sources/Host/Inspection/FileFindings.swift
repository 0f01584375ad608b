public import HostValues

/// The findings about a plugin or configuration file, for `list --json` and `check --json`. Pure.
public struct FileFindings: Sendable {
    /// The settings of a routine, each with its key, its value as text, and its origin.
    public typealias Settings = [(key: String, value: String, origin: String)]

    /// The path of the file.
    public var path: String
    /// Why the file is refused; nil if it is accepted.
    public var refusal: String?
    /// The plugin in the file, if there is one.
    public var plugin: (file: PluginFile, description: PluginDescription)?
    /// The settings of each routine by its id; for a plugin with instances, those of each instance.
    public var settings: [(routine: String, settings: Settings)] = []
    /// Findings that are not errors.
    public var notes: [String] = []
    /// Errors in the file.
    public var faults: [String] = []

    /// Creates findings that are still empty.
    public init(_ path: String) { self.path = path }

    /// Whether there are no errors.
    public var isGood: Bool { refusal == nil && faults.isEmpty }

    /// The findings of all files as a JSON list, with a final line break.
    public static func json(_ all: [FileFindings]) -> [UInt8] {
        var writer = JSONWriter()
        writer.list(of: all) { $0.write(to: &$1) }
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("file", path)
        writer.field("good", isGood)
        if let refusal { writer.field("refused", refusal) }
        if let plugin { write(plugin.description, in: plugin.file, to: &writer) }
        for (name, texts) in [("notes", notes), ("faults", faults)] {
            writer.list(name, texts: texts)
        }
        writer.close()
    }

    private static func write(_ settings: Settings, to writer: inout JSONWriter) {
        writer.open("settings")
        for (key, value, origin) in settings {
            writer.open(key)
            writer.field("value", value)
            writer.field("from", origin)
            writer.close()
        }
        writer.close()
    }

    /// Writes the routines of a plugin with instances, by their full ids.
    private func writeInstances(of plugin: PluginDescription, to writer: inout JSONWriter) {
        let instances = settings.filter { $0.routine.hasPrefix(plugin.id + "@") }
        if instances.isEmpty { return }
        writer.objects("instances", of: instances) { item, writer in
            let (routine, settings) = item
            writer.field("id", routine)
            Self.write(settings, to: &writer)
        }
    }

    private func write(_ plugin: PluginDescription, in file: PluginFile, to writer: inout JSONWriter) {
        writer.field("plugin", plugin.id)
        writer.field("version", plugin.version)
        if let description = plugin.description { writer.field("description", description) }
        writer.field("language", "\(file.language)")
        writer.field("abi", "\(file.abiMajor).\(file.abiMinor)")
        writer.field("build", file.buildID)
        writer.field("serial", plugin.isSerial)
        if !plugin.needs.isEmpty {
            writer.list("needs", texts: plugin.needs)
        }
        writer.objects("routines", of: plugin.routines) { routine, writer in
            writer.field("id", plugin.id + "/" + routine.name)
            if let description = routine.description { writer.field("description", description) }
            writer.field("wait_ms", routine.waitMs)
            if let schedule = routine.schedule { writer.field("schedule", schedule) }
            writer.field("max_cycles", routine.maxCycles)
            writer.field("timeout_ms", routine.timeoutMs)
            if let settings = settings.first(where: { $0.routine == plugin.id + "/" + routine.name })?.settings {
                Self.write(settings, to: &writer)
            }
        }
        writeInstances(of: plugin, to: &writer)
        writer.objects("parameters", of: plugin.parameters) { parameter, writer in
            writer.field("name", parameter.name)
            writer.field("type", parameter.type.rawValue)
            if parameter.isSecret { writer.field("secret", true) }
            if let value = parameter.shownDefault { writer.field("default", value) }
            if let range = parameter.range { writer.field("range", range) }
            if let description = parameter.description { writer.field("description", description) }
        }
    }
}
