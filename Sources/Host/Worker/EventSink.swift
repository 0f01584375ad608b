internal import HostWire

/// Receives the events of a plugin's routines: the channel to the supervisor, or the trial that runs the plugin in its
/// own process. Any thread may call it, and it never blocks.
protocol EventSink: Sendable {
    /// Accepts an event other than a log line.
    func send(_ event: WorkerEvent)
    /// Accepts a log line, or drops it if there are too many.
    func log(_ log: WorkerEvent.Log)
}

extension EventChannel: EventSink {}
