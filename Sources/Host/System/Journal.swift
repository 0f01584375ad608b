/// The systemd journal. See `StandardStream.isJournal` for whether a standard stream leads to it.
public enum Journal {
    /// The socket of its native protocol.
    public static let socket = "/run/systemd/journal/socket"
}
