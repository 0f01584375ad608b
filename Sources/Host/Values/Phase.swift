/// Which of a plugin's callbacks is meant: where an error came from, and where a worker died.
///
/// The raw value is the ABI's `SCHEDHOST_PHASE_…`, to which a test compares it; `unload` is the host's own, since a plugin
/// is told of no error there.
public enum Phase: UInt32, CaseIterable, Sendable {
    case load = 1
    case start = 2
    /// The routine's `run`.
    case routine = 3
    /// A sleep that was interrupted.
    case sleep = 4
    /// A call of a cache, or its source.
    case cache = 5
    case stats = 6
    case stop = 7
    /// `on_error`.
    case hook = 8
    case unload = 9

    /// The word in a record.
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

/// How far a plugin's load came before it was refused, as its worker says it.
public enum LoadStage: String, CaseIterable, Sendable {
    /// Opening the file with dlopen(3).
    case open
    /// Reading its descriptor.
    case descriptor
    /// Its `load`, which returned an error.
    case load
}
