internal import HostValues

extension HostStatus {
    /// A configuration file that the host refuses.
    public struct RefusedConfiguration: Equatable, Sendable {
        /// The path of the file with the mistake.
        public var file: String
        /// The id of the plugin for which it was read; nil if it is the host's own file.
        public var plugin: String?
        /// What is wrong, in one line.
        public var why: String
        /// Whether what was read before still holds: then it is the next start that fails. If not, the plugin is refused.
        public var keepsFormer: Bool

        /// Describes a file that is refused.
        public init(file: String, plugin: String?, why: String, keepsFormer: Bool = true) {
            self.file = file
            self.plugin = plugin
            self.why = why
            self.keepsFormer = keepsFormer
        }

        /// Whether this concerns a plugin, whose name may have an instance: the host's own file concerns all.
        public func concerns(_ name: String) -> Bool {
            plugin.map { InstanceName.matches(name, by: $0) } ?? true
        }

        /// What is wrong, and what follows from it, for one whose settings before still hold.
        public var text: String {
            let next =
                plugin == nil ? "the host would not start again" : "the plugin is refused when it is loaded again"
            return "configuration refused: \(why): the settings before still hold, and with this file \(next)"
        }
    }
}

extension HostStatus.RefusedConfiguration {
    func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("file", file)
        if let plugin { writer.field("plugin", plugin) }
        writer.field("why", why, limit: 2048)
        writer.field("former_settings_hold", keepsFormer)
        writer.close()
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var refused = HostStatus.RefusedConfiguration(file: "", plugin: nil, why: "", keepsFormer: false)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "file": refused.file = try cursor.string()
            case "plugin": refused.plugin = try cursor.string()
            case "why": refused.why = try cursor.string()
            case "former_settings_hold": refused.keepsFormer = try cursor.bool()
            default: try cursor.skip()
            }
        }
        self = refused
    }
}
