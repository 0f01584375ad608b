internal import HostPolicy
public import HostSystem
public import HostWire
internal import Synchronization

/// The worker's end of the channel to the supervisor. Any thread may send events; they arrive in the order of sending.
///
/// Sending never blocks: when the supervisor does not keep up, log lines are dropped and counted, and other events are
/// buffered until `flush` can send them.
public final class EventChannel: Sendable {
    private struct State {
        var backlog: [UInt8] = []
        var budget = LineBudget(atOnce: 4000, perSecond: 2000)
        var isBroken = false
    }

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
        try unsafe socket.receive(into: buffer)
    }

    /// Sends an event other than a log line, or buffers it until there is room.
    public func send(_ event: WorkerEvent) {
        let line = Self.encode(event)
        state.withLock { state in
            state.backlog += line
            flush(&state, wait: false)
        }
    }

    /// Sends what is buffered, as far as there is room; with `wait` set, blocks until all of it is sent.
    public func flush(wait: Bool = false) {
        state.withLock { state in flush(&state, wait: wait) }
    }

    /// Sends a log line, or drops it if there are too many.
    public func log(_ log: WorkerEvent.Log) {
        let now = clock.monotonic()
        // Most lines of a flood are rejected here, before they are encoded.
        let dropped: Int? = state.withLock { state in
            guard state.backlog.count < Self.mostBacklog else {
                state.budget.drop()
                return nil
            }
            let (isAllowed, dropped) = state.budget.spend(bytes: log.text.utf8.count, at: now)
            return isAllowed ? dropped : nil
        }
        guard let dropped else { return }
        let line = Self.encode(.log(log))
        state.withLock { state in
            if dropped > 0 { state.backlog += Self.encode(.dropped(count: dropped)) }
            state.backlog += line
            flush(&state, wait: false)
        }
    }

    /// Reports the number of lines that were dropped since the last report, if any.
    public func reportDropped() {
        state.withLock { state in
            let dropped = state.budget.takeDropped()
            guard dropped > 0 else { return }
            state.backlog += Self.encode(.dropped(count: dropped))
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
