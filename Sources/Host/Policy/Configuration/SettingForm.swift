internal import HostValues

/// The permitted values of a setting, in the words of the reference: type, unit and range.
public struct SettingForm: Equatable, Sendable {
    /// The type, such as `whole number`.
    public let type: String
    /// The unit, such as `milliseconds`; nil if there is none.
    public let unit: String?
    /// The range of numbers, or the permitted words; nil if the type says everything.
    public let range: String?
    /// The meaning of 0, if it is special.
    public let zero: String?

    init(_ type: String, unit: String? = nil, range: String? = nil, zero: String? = nil) {
        self.type = type
        self.unit = unit
        self.range = range
        self.zero = zero
    }

    /// The form of a key that contains other keys.
    public static let object = SettingForm("object")
    /// The form of a range of user ids.
    public static let users = SettingForm("text", range: "two user ids from 1000 on with - between them")
}

extension SettingKey {
    /// The permitted values.
    public var form: SettingForm {
        switch shape {
        case .integer(let range, let unit, let zero):
            SettingForm("whole number", unit: unit, range: Self.text(range, unit), zero: zero)
        case .integers(let range, let unit, let most):
            SettingForm("list of at most \(most) whole numbers", unit: unit, range: Self.text(range, unit))
        case .word(let words): SettingForm("word", range: Spelling.choice(words.map { "\"\($0)\"" }))
        case .flag: SettingForm("true or false")
        case .until: SettingForm("text", range: "\"HH:MM\", a date and time with its zone, or \"never\"")
        case .command: SettingForm("list of at most 64 texts", range: "a program, then its arguments")
        case .schedules(let most): SettingForm("text, or list of at most \(most) texts")
        case .name: SettingForm("text", range: "1 to 64 characters")
        case .plainName: SettingForm("text", range: "1 to \(InstanceName.most) of a-z A-Z 0-9 . _ -")
        case .zone: SettingForm("text", range: "a name such as \"Europe/Berlin\" or \"UTC\"")
        case .grants(let grant, let words):
            SettingForm(
                words.isEmpty ? "list" : "list or word",
                range: grant.things + words.map { ", or \"\($0)\"" }.joined())
        }
    }

    /// A range as text, such as `0 to 86400000`; for milliseconds with the upper bound as a duration.
    private static func text(_ range: ClosedRange<UInt64>, _ unit: String) -> String {
        if range.upperBound >= UInt64(Int64.max) { return "from \(range.lowerBound)" }
        let text = "\(range.lowerBound) to \(range.upperBound)"
        return unit == "milliseconds" ? "\(text) (\(DurationText.exact(milliseconds: range.upperBound)))" : text
    }
}

/// The keys that contain other keys, and which are not settings themselves.
public enum SettingContainer: String, CaseIterable, Sendable {
    /// The values of a plugin's parameters.
    case params
    /// The settings of individual routines.
    case routines
    /// The settings of individual instances.
    case instances
    /// The settings of individual plugins.
    case plugins
    /// The most that plugins' own files may grant.
    case sandboxLimit = "sandbox_limit"
    /// The user ids of plugins.
    case sandboxUsers = "sandbox_users"
}
