public import HostPolicy
internal import HostValues

/// One key of the configuration, as a person looks it up.
public struct ConfigurationEntry: Equatable, Sendable {
    /// Its path in a file, such as `restart.first_delay_ms`.
    public let key: String
    /// The object that holds it, or nil.
    public let group: String?
    /// What it may be.
    public let form: SettingForm
    /// What holds where nobody sets it.
    public let builtIn: String
    /// Where it may be set, from what is laid under the others to what wins.
    public let places: [ConfigurationPlace]
    /// What it does, and why one would change it: one sentence.
    public let text: String
    /// How a file sets it: what stands between the file's braces.
    public let example: String

    /// `whole number of milliseconds, 0 to 86400000 (1 day)`.
    var allowed: String {
        var text = form.type + (form.unit.map { $0 == "percent" ? " in percent" : " of \($0)" } ?? "")
        if let range = form.range { text += ", \(range)" }
        if let zero = form.zero { text += ", or 0 for \(zero)" }
        return text
    }

    /// The places in a line.
    var placesText: String { Spelling.list(places.map(\.description)) }
}

/// Where a key may be set.
public enum ConfigurationPlace: Equatable, Sendable, CustomStringConvertible {
    /// The plugin's descriptor, in this field.
    case descriptor(String)
    /// `schedhost.json5`, for all plugins.
    case hostFile
    /// `PLUGIN.json5`, or the plugin's block in `schedhost.json5`.
    case pluginFile
    /// A routine's block in one of these.
    case routine
    /// An option of `schedhost run`.
    case commandLine(OptionName)

    /// In a few words.
    public var description: String {
        switch self {
        case .descriptor(let field): "the plugin itself (\(field))"
        case .hostFile: "schedhost.json5"
        case .pluginFile: "the plugin's file"
        case .routine: "a routine's block"
        case .commandLine(let option): "the command line (--\(option.rawValue))"
        }
    }

    /// In one letter, for a column.
    var letter: String {
        switch self {
        case .descriptor: "D"
        case .hostFile: "H"
        case .pluginFile: "P"
        case .routine: "R"
        case .commandLine: "C"
        }
    }
}
