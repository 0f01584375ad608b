/// How a worker knows that it serves `schedhost check`.
public enum CheckMode {
    /// Set in its environment, to anything.
    public static let variable = "SCHEDHOST_CHECK"
}
