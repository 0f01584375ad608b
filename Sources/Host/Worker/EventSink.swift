internal import HostWire

/// Where goes what the routines of a plugin have to say: the channel to the supervisor, or whoever tries the plugin in his
/// own process. Any thread; nobody waits.
protocol EventSink: Sendable {
    /// Takes an event other than a log line.
    func send(_ event: WorkerEvent)
    /// Takes a log line, or drops it where there are too many.
    func log(_ log: WorkerEvent.Log)
}

extension EventChannel: EventSink {}
