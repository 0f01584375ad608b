import HostSystem
internal import HostValues

/// What signals ask of the host.
struct HostSignals {
    enum Wish: Equatable {
        /// End in order.
        case stop
        /// End without waiting for cycles any longer.
        case stopAtOnce
        case reload, childEnded
        /// Nothing: its default would end the host by surprise.
        case ignore
        /// The same wish to end as a moment ago.
        case again
        /// Nothing, and there is nothing to say: the write that went past the limit of file sizes has an error that
        /// says more.
        case errorTells
    }

    /// Signals that end the host in order. SIGPWR is what a machine or container whose power fails is sent.
    private static let stopping = [Signals.interrupt, Signals.terminate, Signals.powerFailure]
    /// A wrong pkill, or a timer that a parent left behind.
    private static let ignored = [
        Signals.user1, Signals.user2, Signals.alarm, Signals.virtualAlarm, Signals.profile, Signals.processorTime,
    ]
    /// All of them.
    static let all = stopping + ignored + [Signals.hangup, Signals.child, Signals.fileSize]
    /// timeout(1) signals the program and its group, and a terminal's Ctrl-C comes to who forwards it too: within this
    /// time, ns, two wishes to end are one.
    static let samePress: Int64 = 1_000_000_000

    private let isTerminalGone: () -> Bool
    /// When the first wish to end came.
    private var stopped: MonotonicTime?

    /// Asks `isTerminalGone` at a SIGHUP: a terminal that is closed sends it, and who wants a reload.
    init(isTerminalGone: @escaping () -> Bool) { self.isTerminalGone = isTerminalGone }

    /// What a signal asks for that came at that time.
    mutating func wish(of signal: Int32, at now: MonotonicTime) -> Wish {
        if signal == Signals.child { return .childEnded }
        if signal == Signals.fileSize { return .errorTells }
        if Self.ignored.contains(signal) { return .ignore }
        if !Self.stopping.contains(signal), !isTerminalGone() { return .reload }
        guard let first = stopped else {
            stopped = now
            return .stop
        }
        return now - first < Self.samePress ? .again : .stopAtOnce
    }
}
