/// What a routine's thread is doing.
public enum LedgerState: UInt64, Sendable, CaseIterable {
    /// No session.
    case idle = 0
    /// Between cycles.
    case waiting = 1
    /// In `start`.
    case starting = 2
    /// In `run`.
    case running = 3
    /// In `on_error`.
    case inHook = 4
    /// In `stats`.
    case inStats = 5
    /// In `stop`.
    case stopping = 6
    /// The session is over.
    case ended = 7
    /// In the plugin's `load`.
    case loading = 8
    /// In the plugin's `unload`.
    case unloading = 9
    /// In a callback of no session's (a cache refresh).
    case refreshing = 10
}
