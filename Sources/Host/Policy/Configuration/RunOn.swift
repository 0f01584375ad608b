/// On how many hosts of a cluster a routine runs.
public enum RunOn: String, CaseIterable, Sendable {
    /// On each host that has the plugin.
    case each
    /// On one host at a time.
    case one
    /// In parts, each of them on one host at a time.
    case shards
}

/// Whether a routine moves to the host that is the first for it, when that is there.
public enum Rebalance: String, CaseIterable, Sendable {
    /// It stays where it is.
    case sticky
    case move
}
