internal import HostWire

/// The style of a line on a terminal with colours. Pure.
enum LineStyle {
    case plain, heading, bad, warning, quiet

    /// The style for a routine in the given state.
    static func of(_ state: RoutineStatus.State) -> LineStyle {
        switch state {
        case .quarantined: .bad
        case .backingOff, .failing, .paused, .ending: .warning
        case .stopped, .complete, .disabled, .standby: .quiet
        case .waiting, .running, .starting, .idle: .plain
        }
    }

    private var code: String {
        switch self {
        case .plain: ""
        case .heading: "\u{1B}[1m"
        case .bad: "\u{1B}[31m"
        case .warning: "\u{1B}[33m"
        case .quiet: "\u{1B}[2m"
        }
    }

    /// Wraps a line, without its line break, in the escape sequences of the style.
    func around(_ line: String) -> String { code.isEmpty ? line : code + line + "\u{1B}[0m" }
}
