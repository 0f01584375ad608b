internal import HostPolicy
public import HostSystem
internal import HostValues
public import HostWire
internal import Synchronization

/// The worker's end of the channel to the supervisor. Any thread may send events; they arrive in the order of sending.
///
/// Sending never blocks: when the supervisor does not keep up, log lines are dropped and counted, and other events are
/// buffered until `flush` can send them.
public final class EventChannel: Sendable {
    private struct State {
        var backlog: [UInt8] = []
        /// What the host can write to its log without its being felt: see `ReadingShare`.
        var budget = LineBudget(atOnce: 2000, perSecond: 200)
        /// When it was last told how many were dropped.
        var toldAt = MonotonicTime.longAgo
        /// Of those that were dropped, those that were not told.
        var untold = 0
        var isBroken = false
        /// Descriptors that came with commands, in order.
        var passed: [PassedDescriptor] = []
    }

    /// How often it is told that lines are dropped, ns: to tell it with each line that passes would be as many again.
    private static let period: Int64 = 1_000_000_000
    /// The size in bytes of the buffer of unsent lines above which log lines are dropped.
    private static let mostBacklog = 1 << 20

    private let socket: Descriptor
    private let state: Mutex<State>
    private let clock: any HostClock

    /// Makes a channel over a connected socket.
    public init(socket: consuming Descriptor, clock: any HostClock) {
        self.socket = socket
        self.clock = clock
        state = Mutex(State())
    }

    /// Starts to watch the socket for commands and for room to send.
    public func watch(by poller: borrowing Poller, token: UInt64) throws(SystemError) {
        try poller.add(socket, for: [.readable, .writable, .edge], token: token)
    }

    /// Receives bytes of commands without waiting; returns 0 when the supervisor has closed its end.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try unsafe socket.receive(into: buffer) { descriptor in
            let passed = PassedDescriptor(descriptor)
            state.withLock { $0.passed.append(passed) }
        }
    }

    /// The descriptor that came with the command which was received first of those that have one; nil if there is none.
    func takePassed() -> PassedDescriptor? {
        state.withLock { $0.passed.isEmpty ? nil : $0.passed.removeFirst() }
    }

    /// Sends an event other than a log line, or buffers it until there is room.
    public func send(_ event: WorkerEvent) {
        let line = Self.encode(event)
        state.withLock { state in
            if Self.isLast(event) { tellDropped(&state) }
            state.backlog += line
            flush(&state, wait: false)
        }
    }

    /// Whether nothing may follow from the same routine for long, so that what was dropped is told before it.
    private static func isLast(_ event: WorkerEvent) -> Bool {
        switch event {
        case .ended, .refused, .goodbye: true
        case .described, .loaded, .log, .dropped, .wantsTurn, .turnOver, .wantsHistory, .wantsShared, .store: false
        }
    }

    private func tellDropped(_ state: inout State) {
        state.untold += state.budget.takeDropped()
        guard state.untold > 0 else { return }
        state.backlog += Self.encode(.dropped(count: state.untold))
        state.untold = 0
    }

    /// Sends what is buffered, as far as there is room; with `wait` set, blocks until all of it is sent.
    public func flush(wait: Bool = false) {
        state.withLock { state in flush(&state, wait: wait) }
    }

    /// Sends a log line, or drops it if there are too many.
    public func log(_ log: WorkerEvent.Log) {
        let now = clock.monotonic()
        // Most of a flood ends here, before anything is made of it.
        let isAllowed = state.withLock { state in
            guard state.backlog.count < Self.mostBacklog else {
                state.budget.drop()
                return false
            }
            let (isAllowed, dropped) = state.budget.spend(bytes: log.text.utf8.count, at: now)
            state.untold += dropped
            return isAllowed
        }
        guard isAllowed else { return }
        let line = Self.encode(.log(log))
        state.withLock { state in
            if state.untold > 0, now - state.toldAt >= Self.period {
                state.toldAt = now
                tellDropped(&state)
            }
            state.backlog += line
            flush(&state, wait: false)
        }
    }

    /// Reports the number of lines that were dropped since the last report, if any.
    public func reportDropped() {
        state.withLock { state in
            tellDropped(&state)
            flush(&state, wait: false)
        }
    }

    /// Whether the connection to the supervisor is lost.
    public var isBroken: Bool { state.withLock { $0.isBroken } }

    private func flush(_ state: inout State, wait: Bool) {
        var sent = 0
        while sent < state.backlog.count, !state.isBroken {
            do {
                sent += try unsafe state.backlog.withUnsafeBytes { bytes in
                    try unsafe socket.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]), wait: wait)
                }
            } catch {
                if (error as? SystemError)?.wouldBlock == true { break }
                state.isBroken = true
            }
        }
        if sent == state.backlog.count {
            state.backlog.removeAll(keepingCapacity: state.backlog.capacity <= 65_536)
        } else {
            state.backlog.removeFirst(sent)
        }
    }

    /// Encodes an event as a line. It also starts with a line break, so that bytes that a plugin has written to the
    /// channel end there.
    private static func encode(_ event: WorkerEvent) -> [UInt8] {
        [UInt8(ascii: "\n")] + event.line() + [UInt8(ascii: "\n")]
    }
}
