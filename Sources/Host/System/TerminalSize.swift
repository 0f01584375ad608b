internal import CHostSystem
internal import Glibc

/// How large the terminal is.
public enum TerminalSize {
    /// Cells in a line of standard output's terminal; 80 when it does not say. ioctl_tty(2), `TIOCGWINSZ`.
    public static var columns: Int {
        let columns = chs_terminal_columns(1)
        return columns > 0 ? Int(columns) : 80
    }
}
