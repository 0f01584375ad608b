/// The levels of the log, with the numbers of the plugin ABI.
public enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case trace, debug, info, success, warning, error, critical

    /// The number that plugins use.
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

    /// The level as which an entry of that number is shown: the one at or below it.
    public init(number: Int32) {
        self = Self.allCases.last { $0.number <= number } ?? .trace
    }

    /// The order of weight.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.number < right.number }
}
