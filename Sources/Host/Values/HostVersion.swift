/// The version of this host.
public enum HostVersion {
    /// The version number as text, for display and for plugins.
    public static let text = "1.0.0"
}
