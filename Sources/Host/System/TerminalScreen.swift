internal import CHostSystem
internal import Glibc

/// Takes the terminal over for a full-screen display: alternate screen, no cursor, keys delivered as they are typed.
///
/// The terminal is restored when this value ends. Ctrl-C and Ctrl-Z still raise signals. termios(3).
public struct TerminalScreen: ~Copyable {
    /// Readable when keys were typed.
    public let input: Descriptor
    private let before: termios

    /// Takes over the terminal of standard input and output; nil if one of them is not a terminal.
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

    /// Switches to the alternate screen; may be called again after `leave`.
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

    /// Restores the terminal's former state.
    public func leave() {
        StandardStream.output.write("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        _ = unsafe tcsetattr(0, TCSADRAIN, &settings)
    }

    /// The present size in columns and rows; 80 by 24 if the terminal does not tell.
    public var size: (columns: Int, rows: Int) { TerminalSize.of(.output) ?? (80, 24) }

    /// The bytes typed since the last call; nil if the terminal is gone.
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
    /// SIGWINCH: the size of the terminal has changed.
    public static let windowChange = SIGWINCH
    /// SIGTSTP, as Ctrl-Z sends it.
    public static let terminalStop = SIGTSTP

    /// Suspends this process until SIGCONT. kill(2).
    public static func stopSelf() { _ = Glibc.kill(getpid(), SIGSTOP) }
}

extension StandardStream {
    /// Whether standard input is a terminal. isatty(3).
    public static var isInputTerminal: Bool { isatty(0) == 1 }
}

/// The size of a terminal. ioctl_tty(2), `TIOCGWINSZ`.
public enum TerminalSize {
    /// The width of standard output's terminal in cells; 80 if it does not tell.
    public static var columns: Int { of(StandardStream.output)?.columns ?? 80 }
    /// The width of standard error's terminal in cells; 80 if it does not tell.
    public static var columnsOfError: Int { of(StandardStream.error)?.columns ?? 80 }

    /// The width in cells and the height in lines; nil if the stream is not a terminal or does not tell.
    static func of(_ stream: StandardStream) -> (columns: Int, rows: Int)? {
        var columns: Int32 = 0
        var rows: Int32 = 0
        guard unsafe chs_terminal_size(stream.rawValue, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
        return (Int(columns), Int(rows))
    }
}
