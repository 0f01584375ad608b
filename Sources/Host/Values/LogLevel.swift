/// The levels of the log, with their numbers in the plugin ABI.
public enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case trace, debug, info, success, warning, error, critical

    /// The number in the plugin ABI.
    public var number: Int32 {
        switch self {
        case .trace: 5
        case .debug: 10
        case .info: 20
        case .success: 25
        case .warning: 30
        case .error: 40
        case .critical: 50
        }
    }

    /// Creates the level for an ABI number. A number between two levels counts as the lower one.
    public init(number: Int32) {
        self = Self.allCases.last { $0.number <= number } ?? .trace
    }

    /// Whether `left` is less severe than `right`.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.number < right.number }
}
