internal import HostValues

/// The order of a simulation, as PluginTesting writes it.
struct TrialOrder {
    /// The routines, parameters, cycles and seed.
    var trial = TrialOptions(file: "")
    /// The text of the plugin's configuration.
    var configuration: String?
    var fromMs: Int64 = 0
    var lengthMs: Int64 = 0
    var untilFailure = false
    var level = LogLevel.info
    /// The state directory, which is kept; nil for a temporary one.
    var state: String?

    /// Reads one object. Unknown fields are ignored.
    init(_ bytes: [UInt8]) throws(JSONFault) {
        var order = Self()
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "routines": order.trial.routines = try Self.texts(&cursor)
            case "parameters": order.trial.parameters = try Self.texts(&cursor)
            case "cycles": order.trial.cycles = try cursor.unsigned()
            case "seed": order.trial.seed = try cursor.unsigned()
            case "configuration": order.configuration = try cursor.string()
            case "from_ms": order.fromMs = try cursor.signed()
            case "length_ms": order.lengthMs = try cursor.signed()
            case "until_failure": order.untilFailure = try cursor.bool()
            case "level": order.level = LogLevel(number: Int32(clamping: try cursor.signed()))
            case "state": order.state = try cursor.string()
            default: try cursor.skip()
            }
        }
        try cursor.finish()
        self = order
    }

    private init() {}

    private static func texts(_ cursor: inout JSONCursor) throws(JSONFault) -> [String] {
        var texts: [String] = []
        try cursor.list { (cursor) throws(JSONFault) in texts.append(try cursor.string()) }
        return texts
    }
}
