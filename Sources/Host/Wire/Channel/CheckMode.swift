/// Tells a worker that it serves `schedhost check`.
public enum CheckMode {
    /// The environment variable that switches check mode on; its value does not matter.
    public static let variable = "SCHEDHOST_CHECK"
}
