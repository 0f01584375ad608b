public import HostPolicy
internal import HostValues

/// The reference entry of a configuration key.
public struct ConfigurationEntry: Equatable, Sendable {
    /// The path of the key in a file, such as `restart.first_delay_ms`.
    public let key: String
    /// The object that contains the key; nil if there is none.
    public let group: String?
    /// The permitted values.
    public let form: SettingForm
    /// The value that applies where nothing sets the key.
    public let builtIn: String
    /// The places where the key may be set, in ascending order of precedence.
    public let places: [ConfigurationPlace]
    /// What the key does and when to change it, in one sentence.
    public let text: String
    /// An example in a file, without the file's outer braces.
    public let example: String

    /// The permitted values as text: `whole number of milliseconds, 0 to 86400000 (1 day)`.
    var allowed: String {
        var text = form.type + (form.unit.map { $0 == "percent" ? " in percent" : " of \($0)" } ?? "")
        if let range = form.range { text += ", \(range)" }
        if let zero = form.zero { text += ", or 0 for \(zero)" }
        return text
    }

    /// The places as text.
    var placesText: String { Spelling.list(places.map(\.description)) }
}

/// A place where a key may be set.
public enum ConfigurationPlace: Equatable, Sendable, CustomStringConvertible {
    /// A field of the plugin's descriptor.
    case descriptor(String)
    /// `schedhost.json5`, for all plugins.
    case hostFile
    /// `PLUGIN.json5`, or the plugin's block in `schedhost.json5`.
    case pluginFile
    /// The block of a routine in one of these files.
    case routine
    /// An option of `schedhost run`.
    case commandLine(OptionName)

    /// The place in a few words.
    public var description: String {
        switch self {
        case .descriptor(let field): "the plugin itself (\(field))"
        case .hostFile: "schedhost.json5"
        case .pluginFile: "the plugin's file"
        case .routine: "a routine's block"
        case .commandLine(let option): "the command line (--\(option.rawValue))"
        }
    }

    /// The place as one letter, for a column.
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
