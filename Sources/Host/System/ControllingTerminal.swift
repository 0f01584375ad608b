internal import CHostSystem
internal import Glibc

/// The terminal in whose foreground or background a program was started, asked whether it is still there.
///
/// Made when the program starts. A terminal that is closed sends SIGHUP, which to a daemon means: reload. tty(4), nohup(1).
public struct ControllingTerminal: Sendable {
    private let wasThere: Bool

    /// Remembers whether there is one. A program that is started by nohup(1), which has SIGHUP ignored, does not care.
    public init() {
        wasThere = chs_is_ignored(SIGHUP) == 0 && Self.isThere
    }

    /// Whether there was one, and it is closed.
    public var isGone: Bool { wasThere && !Self.isThere }

    /// open(2) of /dev/tty fails for who has no terminal, and for whom it was closed.
    private static var isThere: Bool {
        guard let file = try? Directory("/dev").openForReading("tty") else { return false }
        return isatty(file.raw) == 1
    }
}
