internal import HostValues
internal import HostWire

/// Receives the events of a plugin's routines: the channel to the supervisor, or the trial that runs the plugin in its
/// own process. Any thread may call it, and it never blocks.
protocol EventSink: Sendable {
    /// Accepts an event other than a log line.
    func send(_ event: WorkerEvent)
    /// Accepts a log line, or drops it if there are too many.
    func log(_ log: WorkerEvent.Log)
    /// The sessions that have used that slot of the ledger, the newest first, if they are known here; nil if the host is to
    /// be asked.
    func past(ofSlot slot: Int) -> [EndedSession]?
}

extension EventSink {
    func past(ofSlot slot: Int) -> [EndedSession]? { nil }
}

extension EventChannel: EventSink {}
