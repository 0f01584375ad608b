internal import CHostSystem
internal import Glibc

/// journald, when standard error goes there. systemd.exec(5), `$JOURNAL_STREAM`.
public enum Journal {
    /// Where its native protocol is spoken.
    public static let socket = "/run/systemd/journal/socket"

    /// Whether standard error is the stream that journald gave us: its device and inode are those of the variable.
    public static var isStandardError: Bool {
        guard let variable = HostProcess.environment("JOURNAL_STREAM") else { return false }
        var status = stat()
        guard unsafe fstat(2, &status) == 0 else { return false }
        return variable == "\(status.st_dev):\(status.st_ino)"
    }
}
