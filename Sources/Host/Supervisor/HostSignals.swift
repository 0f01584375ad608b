internal import HostSystem

/// What a signal asks of the host.
enum HostSignals {
    case stop, reload, childEnded
    /// Nothing: its default would end the host by surprise.
    case ignore

    /// Signals that end the host in order. SIGPWR is what a machine or container whose power fails is sent.
    private static let stopping = [Signals.interrupt, Signals.terminate, Signals.powerFailure]
    /// A wrong pkill, or a timer that a parent left behind.
    private static let ignored = [
        Signals.user1, Signals.user2, Signals.alarm, Signals.virtualAlarm, Signals.profile, Signals.processorTime,
        Signals.fileSize,
    ]
    /// All of them.
    static let all = stopping + ignored + [Signals.hangup, Signals.child]

    init(_ signal: Int32) {
        self =
            if Self.stopping.contains(signal) {
                .stop
            } else if signal == Signals.child {
                .childEnded
            } else if Self.ignored.contains(signal) { .ignore } else { .reload }
    }
}
