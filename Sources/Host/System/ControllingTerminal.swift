internal import CHostSystem
internal import Glibc

/// Tells whether the terminal that the program was started from has been closed.
///
/// Make it when the program starts. A terminal that closes sends SIGHUP, which for a daemon also means: reload. tty(4),
/// nohup(1).
public struct ControllingTerminal: Sendable {
    private let wasThere: Bool

    /// Remembers whether the program has a terminal now. A program under nohup(1), which ignores SIGHUP, counts as one
    /// without.
    public init() {
        wasThere = chs_is_ignored(SIGHUP) == 0 && Self.isThere
    }

    /// Whether the program had a terminal, and that has been closed.
    public var isGone: Bool { wasThere && !Self.isThere }

    /// open(2) of /dev/tty fails for a process without a terminal, and after its terminal was closed.
    private static var isThere: Bool {
        guard let file = try? Directory("/dev").openForReading("tty") else { return false }
        return isatty(file.raw) == 1
    }
}
