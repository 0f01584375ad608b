internal import HostWire

/// How a line looks on a terminal that shows colours. Pure.
enum TextLook {
    case plain, heading, bad, warning, quiet

    /// That of a routine's line.
    static func of(_ state: RoutineStatus.State) -> TextLook {
        switch state {
        case .quarantined: .bad
        case .backingOff, .failing, .paused, .ending: .warning
        case .stopped, .complete, .disabled: .quiet
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

    /// A line without its end, in that look.
    func around(_ line: String) -> String { code.isEmpty ? line : code + line + "\u{1B}[0m" }
}
