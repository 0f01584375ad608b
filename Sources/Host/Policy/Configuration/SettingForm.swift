internal import HostValues

/// What a setting may be, in the words of a reference: its type, unit and range.
public struct SettingForm: Equatable, Sendable {
    /// Such as `whole number`.
    public let type: String
    /// Such as `milliseconds`; nil: it counts nothing.
    public let unit: String?
    /// From which number to which one, or the words that there are; nil: the type says it all.
    public let range: String?
    /// What 0 means where it has a meaning of its own.
    public let zero: String?

    init(_ type: String, unit: String? = nil, range: String? = nil, zero: String? = nil) {
        self.type = type
        self.unit = unit
        self.range = range
        self.zero = zero
    }

    /// What holds other keys.
    public static let object = SettingForm("object")
}

extension SettingKey {
    /// What it may be.
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
        case .zone: SettingForm("text", range: "a name such as \"Europe/Berlin\" or \"UTC\"")
        case .grants(let grant, let words):
            SettingForm(
                words.isEmpty ? "list" : "list or word",
                range: grant.things + words.map { ", or \"\($0)\"" }.joined())
        }
    }

    /// `0 to 86400000`, with how long that is.
    private static func text(_ range: ClosedRange<UInt64>, _ unit: String) -> String {
        if range.upperBound >= UInt64(Int64.max) { return "from \(range.lowerBound)" }
        let text = "\(range.lowerBound) to \(range.upperBound)"
        return unit == "milliseconds" ? "\(text) (\(DurationText.exact(milliseconds: range.upperBound)))" : text
    }
}

/// The keys of a configuration that hold others: what is in them is no setting of the host's own.
public enum SettingContainer: String, CaseIterable, Sendable {
    /// Values of a plugin's parameters.
    case params
    /// Settings of single routines.
    case routines
    /// Settings of single instances.
    case instances
    /// Settings of single plugins.
    case plugins
    /// What plugins' own files may allow at most.
    case sandboxLimit = "sandbox_limit"
}
