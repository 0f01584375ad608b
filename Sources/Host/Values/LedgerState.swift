/// What a routine's thread is doing, as its ledger shows it.
public enum LedgerState: UInt64, Sendable, CaseIterable {
    /// The routine has no session.
    case idle = 0
    /// The session waits for its next cycle.
    case waiting = 1
    /// The plugin's `start` is running.
    case starting = 2
    /// The routine's `run` is running.
    case running = 3
    /// The `on_error` hook is running.
    case inHook = 4
    /// The `stats` callback is running.
    case inStats = 5
    /// The `stop` callback is running.
    case stopping = 6
    /// The session is over.
    case ended = 7
    /// The plugin's `load` is running.
    case loading = 8
    /// The plugin's `unload` is running.
    case unloading = 9
    /// A callback that belongs to no session is running, such as the refresh of a cache.
    case refreshing = 10
}
