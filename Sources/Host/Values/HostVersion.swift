/// The version of this host.
public enum HostVersion {
    /// For display and for plugins.
    public static let text = "1.0.0"
}
