/// What the trial of a plugin needs to know of what the plugin's sessions do.
///
/// Indirect, so that an event is one word: in the memory of a large enum parts are not initialised, and valgrind takes it for
/// an error when the compiler decides by a byte of which only the part that counts is.
public indirect enum TrialEvent: Equatable, Sendable {
    /// A session has ended.
    case ended(WorkerEvent.Ended)
    /// A line for the log.
    case log(WorkerEvent.Log)
    /// So many lines for the log were left out.
    case dropped(count: Int)
}
