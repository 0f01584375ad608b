internal import HostStore
internal import HostSystem
internal import HostValues
internal import Synchronization

/// Which connections have loads in progress for all hosts, and so give a sign of life now and then: from the control thread,
/// so that a worker that stands still gives none.
final class SharedSigns: Sendable {
    private struct State {
        var sockets: [ObjectIdentifier: SharedSocket] = [:]
        var nextAt = Int64.max
    }

    private let state = Monitor(State())
    private let hasSome = Atomic(false)
    private let clock: any HostClock
    /// Wakes the control thread.
    private let doorbell: Int32

    init(doorbell: Int32, clock: any HostClock) {
        self.doorbell = doorbell
        self.clock = clock
    }

    /// The socket has loads in progress from now on. It calls this and `remove` under its own lock, so that the order of both is
    /// that of its loads; so no lock is held here while it is asked for its signs.
    func add(_ socket: SharedSocket) {
        let isFirst = state.withLock { state in
            let isFirst = state.sockets.isEmpty
            state.sockets[ObjectIdentifier(socket)] = socket
            if isFirst { state.nextAt = clock.boot().nanoseconds + SharedLoad.sign }
            hasSome.store(true, ordering: .releasing)
            return isFirst
        }
        if isFirst { Doorbell.ring(doorbell) }
    }

    /// It has none any more.
    func remove(_ socket: SharedSocket) {
        state.withLock { state in
            state.sockets[ObjectIdentifier(socket)] = nil
            if state.sockets.isEmpty { hasSome.store(false, ordering: .releasing) }
        }
    }

    /// How long the control thread may wait for something to happen, in ms; nil: for ever.
    var tick: Int32? {
        guard hasSome.load(ordering: .acquiring) else { return nil }
        let next = state.withLock { $0.nextAt }
        return Int32(clamping: max(1, (next - clock.boot().nanoseconds) / 1_000_000))
    }

    /// Gives the signs that are due.
    func look() {
        guard hasSome.load(ordering: .acquiring) else { return }
        let now = clock.boot().nanoseconds
        let due = state.withLock { state -> [SharedSocket] in
            guard now >= state.nextAt else { return [] }
            state.nextAt = now + SharedLoad.sign
            return Array(state.sockets.values)
        }
        for socket in due { socket.touch() }
    }
}
