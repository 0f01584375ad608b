/// The callback of a plugin in which an error occurred or a worker died.
///
/// The raw value is the ABI's `SCHEDHOST_PHASE_…` constant; a test compares them. `unload` has no such constant,
/// because a plugin is never told of an error there.
public enum Phase: UInt32, CaseIterable, Sendable {
    case load = 1
    case start = 2
    /// The routine's `run`.
    case routine = 3
    /// A sleep that was interrupted before its time.
    case sleep = 4
    /// A call to a cache, or the source that loads its value.
    case cache = 5
    case stats = 6
    case stop = 7
    /// `on_error`.
    case hook = 8
    case unload = 9

    /// The word for it in a record.
    public var word: String {
        switch self {
        case .load: "load"
        case .start: "start"
        case .routine: "routine"
        case .sleep: "sleep"
        case .cache: "cache"
        case .stats: "stats"
        case .stop: "stop"
        case .hook: "hook"
        case .unload: "unload"
        }
    }
}

/// The stage of loading at which a plugin was refused, as its worker reports it.
public enum LoadStage: String, CaseIterable, Sendable {
    /// Opening the plugin's file with dlopen(3).
    case open
    /// Reading the plugin's descriptor.
    case descriptor
    /// Calling the plugin's `load`, which returned an error.
    case load
}
