internal import Glibc

/// The user as whom this process runs.
public enum RunningUser {
    /// The number that decides what the process may do. geteuid(2).
    public static var identifier: UInt32 { geteuid() }
}
