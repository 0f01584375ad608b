public import HostValues

/// An event loop over descriptors and deadlines on one thread. All handlers run on that thread.
///
/// Not Sendable: it is made, used and released on one thread. It causes no wake-ups while nothing happens.
public final class EventLoop {
    /// Identifies one watched descriptor.
    public struct Token: Hashable, Sendable {
        let number: UInt64
    }

    private let poller: Poller
    private let timer: MonotonicTimer
    private var handlers: [UInt64: (Poller.Readiness) -> Void] = [:]
    private var nextToken: UInt64 = 1
    private var armed = MonotonicTime.never
    private var stopping = false
    private let clock: any HostClock

    /// Makes a loop that watches nothing yet.
    public init(clock: any HostClock) throws(SystemError) {
        self.clock = clock
        poller = try Poller()
        timer = try MonotonicTimer()
        try poller.add(timer.descriptor, for: .readable, token: 0)
    }

    /// Calls `handler` whenever the descriptor is ready. The caller keeps it open until `unwatch`.
    public func watch(
        _ descriptor: borrowing Descriptor, for readiness: Poller.Readiness = .readable,
        _ handler: @escaping (Poller.Readiness) -> Void
    ) throws(SystemError) -> Token {
        let token = Token(number: nextToken)
        nextToken += 1
        try poller.add(descriptor, for: readiness, token: token.number)
        handlers[token.number] = handler
        return token
    }

    /// Changes what a watched descriptor is watched for.
    public func rewatch(_ descriptor: borrowing Descriptor, _ token: Token, for readiness: Poller.Readiness)
        throws(SystemError)
    {
        try poller.modify(descriptor, for: readiness, token: token.number)
    }

    /// Stops watching. The handler is not called again, even for an event that has been fetched from the kernel
    /// already.
    public func unwatch(_ descriptor: borrowing Descriptor, _ token: Token) {
        handlers[token.number] = nil
        poller.remove(descriptor)
    }

    /// Runs until `stop`. Before each wait it calls `settle`, which does all work that is due and returns the next
    /// deadline, or `never`.
    public func run(settle: (_ now: MonotonicTime) -> MonotonicTime) throws(SystemError) {
        stopping = false
        while true {
            let deadline = settle(clock.monotonic())
            if stopping { return }
            if deadline != armed {
                armed = deadline
                timer.arm(at: deadline)
            }
            _ = try poller.wait { token, readiness in
                if token == 0 {
                    timer.acknowledge()
                    armed = .never
                } else if let handler = handlers[token] {
                    handler(readiness)
                }
            }
        }
    }

    /// Makes `run` return before its next wait.
    public func stop() { stopping = true }
}
