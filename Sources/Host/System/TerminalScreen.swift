internal import CHostSystem
internal import Glibc

/// The terminal taken over for a full-screen display: the alternate screen, no cursor, keys as they are typed.
///
/// Given back when this value ends. Ctrl-C and Ctrl-Z still are signals. termios(3).
public struct TerminalScreen: ~Copyable {
    /// Readable when something was typed.
    public let input: Descriptor
    private let before: termios

    /// Takes the terminal of standard input and output over; nil when they are none.
    public init?() {
        var settings = termios()
        guard isatty(0) == 1, isatty(1) == 1, unsafe tcgetattr(0, &settings) == 0 else { return nil }
        let number = chs_fcntl(0, F_DUPFD_CLOEXEC, 3)
        guard number >= 0 else { return nil }
        input = Descriptor(owning: number)
        before = settings
        enter()
    }

    deinit { leave() }

    /// Enters the screen, again after `leave`.
    public func enter() {
        var settings = before
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        unsafe withUnsafeMutableBytes(of: &settings.c_cc) { characters in
            unsafe characters[Int(VMIN)] = 0
            unsafe characters[Int(VTIME)] = 0
        }
        _ = unsafe tcsetattr(0, TCSANOW, &settings)
        StandardStream.output.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
    }

    /// Gives the terminal back as it was.
    public func leave() {
        StandardStream.output.write("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        _ = unsafe tcsetattr(0, TCSADRAIN, &settings)
    }

    /// Columns and rows now; 80 by 24 when the terminal does not say.
    public var size: (columns: Int, rows: Int) { TerminalSize.of(.output) ?? (80, 24) }

    /// What was typed since the last time; nil when the terminal is gone.
    public func keys() -> [UInt8]? {
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            let got = unsafe Glibc.read(0, buffer.baseAddress, 256)
            failed = got < 0 && chs_errno() != EINTR && chs_errno() != EAGAIN
            count = max(0, got)
        }
        return failed ? nil : bytes
    }
}

extension Signals {
    /// The terminal has another size.
    public static let windowChange = SIGWINCH
    /// Ctrl-Z.
    public static let terminalStop = SIGTSTP

    /// Stops this process until it is continued. kill(2).
    public static func stopSelf() { _ = Glibc.kill(getpid(), SIGSTOP) }
}

extension StandardStream {
    /// Whether standard input is a terminal. isatty(3).
    public static var isInputTerminal: Bool { isatty(0) == 1 }
}

/// How large the terminal is. ioctl_tty(2), `TIOCGWINSZ`.
public enum TerminalSize {
    /// Cells in a line of standard output's terminal; 80 when it does not say.
    public static var columns: Int { of(StandardStream.output)?.columns ?? 80 }
    /// Cells in a line of standard error's terminal; 80 when it does not say.
    public static var columnsOfError: Int { of(StandardStream.error)?.columns ?? 80 }

    /// Cells in a line, and lines.
    static func of(_ stream: StandardStream) -> (columns: Int, rows: Int)? {
        var columns: Int32 = 0
        var rows: Int32 = 0
        guard unsafe chs_terminal_size(stream.rawValue, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
        return (Int(columns), Int(rows))
    }
}
