/// The format in which the log is written.
public enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}
