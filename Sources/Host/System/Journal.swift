/// journald, when a standard stream goes there: see `StandardStream.isJournal`.
public enum Journal {
    /// Where its native protocol is spoken.
    public static let socket = "/run/systemd/journal/socket"
}
