import HostSystem
internal import HostValues

/// Interprets the signals that the host receives.
struct HostSignals {
    enum Request: Equatable {
        /// Stop gracefully.
        case stop
        /// Stop without waiting for cycles any longer.
        case stopAtOnce
        case reload, childEnded
        /// Do nothing; the signal's default action would end the host unexpectedly.
        case ignore
        /// The request to stop is a duplicate of the previous one.
        case again
        /// Do nothing and log nothing: the write that exceeded the limit of file sizes also fails with an error.
        case errorTells
    }

    /// Signals that stop the host gracefully. A machine or container whose power fails gets SIGPWR.
    private static let stopping = [Signals.interrupt, Signals.terminate, Signals.powerFailure]
    /// Signals that have no meaning for a host, such as those of a mistaken pkill, or of a timer that a parent has
    /// left.
    private static let ignored = [
        Signals.user1, Signals.user2, Signals.alarm, Signals.virtualAlarm, Signals.profile, Signals.processorTime,
    ]
    /// All signals that the host handles.
    static let all = stopping + ignored + [Signals.hangup, Signals.child, Signals.fileSize]
    /// Two requests to stop within this time, in ns, count as one: timeout(1) signals both the program and its group,
    /// and a wrapper forwards a Ctrl-C that the terminal has sent to the host as well.
    static let samePress: Int64 = 1_000_000_000

    private let isTerminalGone: () -> Bool
    /// When the first request to stop came.
    private var stopped: MonotonicTime?

    /// Makes an interpreter. On SIGHUP it asks `isTerminalGone`, since both a closed terminal and a person who wants a
    /// reload send that signal.
    init(isTerminalGone: @escaping () -> Bool) { self.isTerminalGone = isTerminalGone }

    /// The meaning of a signal that came at that time.
    mutating func wish(of signal: Int32, at now: MonotonicTime) -> Request {
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
