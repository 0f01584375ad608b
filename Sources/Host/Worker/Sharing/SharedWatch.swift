internal import HostSystem
internal import HostValues

/// Tells workers that wait for another host's load when its record changes, as the store tells, if it does.
///
/// What a store tells is a hint: some changes are missed. So those who wait look by themselves too, and only more seldom.
/// There is a thread and a connection for it only as long as somebody waits, and for a while after that.
final class SharedWatch: Sendable {
    /// Who waits for a load's end.
    private struct Waiter {
        let peer: UInt64
        let answer: @Sendable () -> Void
    }

    private enum Phase {
        /// There is no thread.
        case idle
        /// There is one, which has no connection, or has just asked to be told.
        case beginning
        /// The store tells what changes.
        case watching
        /// The store does not tell.
        case unable
    }

    private struct State {
        var phase = Phase.idle
        var waiters: [String: [Waiter]] = [:]
        var count = 0
        /// When somebody waited last.
        var wantedAt = MonotonicTime.longAgo
        var calls = CallDeadline()
    }

    /// What the keys of loads begin with, after the cluster's own prefix.
    private static let loads = "load/"
    /// So many wait at most; others look by themselves.
    private static let most = 10_000
    /// How long one call waits, in ms.
    private static let callMs: UInt32 = 1000
    /// How long the connection stays when nobody waits any more, in ns.
    private static let patience: Int64 = 30_000_000_000
    /// The store tells what changes so long after it was asked to, in ns: until then nobody relies on it.
    private static let grace: Int64 = 50_000_000
    private static let pause: Int64 = 5_000_000_000

    private let state = Monitor(State())
    private let clock: any HostClock

    init(clock: any HostClock) { self.clock = clock }

    /// Whether a call hangs.
    func hangs(at now: BootTime) -> Bool { state.withLock { $0.calls.hangs(at: now) } }

    /// A worker waits until the record of that key changes; `answer` is called once then. False: nobody tells.
    ///
    /// `connect` makes the connection by which the store is watched.
    func add(
        _ key: String, by peer: UInt64,
        connect: @escaping @Sendable () throws(StoreConnection.Broken) -> StoreConnection,
        answer: @escaping @Sendable () -> Void
    ) -> Bool {
        let now = clock.monotonic()
        let (isWatched, begins) = state.withLock { state in
            state.wantedAt = now
            switch state.phase {
            case .idle:
                state.phase = .beginning
                return (false, true)
            case .beginning, .unable: return (false, false)
            case .watching:
                let others = (state.waiters[key] ?? []).filter { $0.peer != peer }
                state.count -= (state.waiters[key]?.count ?? 0) - others.count
                guard state.count < Self.most else { return (false, false) }
                state.waiters[key] = others + [Waiter(peer: peer, answer: answer)]
                state.count += 1
                return (true, false)
            }
        }
        if begins {
            do throws(SystemError) {
                try Thread.start(name: "shared watch") { [self] in watch(connect) }
            } catch {
                state.withLock { $0.phase = .idle }
            }
        }
        return isWatched
    }

    /// A worker is gone.
    func remove(_ peer: UInt64) {
        state.withLock { state in
            for (key, waiters) in state.waiters where waiters.contains(where: { $0.peer == peer }) {
                let others = waiters.filter { $0.peer != peer }
                state.count -= waiters.count - others.count
                state.waiters[key] = others.isEmpty ? nil : others
            }
        }
    }

    // MARK: The thread

    private func watch(_ connect: () throws(StoreConnection.Broken) -> StoreConnection) {
        var isUnable = false
        do throws(StoreConnection.Broken) {
            let connection = try call(Self.callMs) { (_) throws(StoreConnection.Broken) in try connect() }
            let began = clock.monotonic()
            while isWanted, !isUnable {
                let isFirst = clock.monotonic() - began < Self.grace
                let keys = try call(isFirst ? UInt32(Self.grace / 1_000_000) : Self.callMs) {
                    (timeout) throws(StoreConnection.Broken) in try connection.watch(Self.loads, timeoutMs: timeout)
                }
                if let keys { tell(keys, since: began) } else { isUnable = true }
            }
        } catch {
            // Those who wait look by themselves, and somebody begins anew after a while.
            tellAll()
            _ = state.wait(until: clock.monotonic() + Self.pause) { _ -> Void? in nil }
        }
        tellAll()
        state.withLock { $0.phase = isUnable ? .unable : .idle }
    }

    private var isWanted: Bool {
        let now = clock.monotonic()
        return state.withLock { now - $0.wantedAt < Self.patience }
    }

    private func call<Result>(_ timeoutMs: UInt32, _ body: (UInt32) throws(StoreConnection.Broken) -> Result)
        throws(StoreConnection.Broken) -> Result
    {
        let now = clock.boot()
        state.withLock { $0.calls.begin(timeoutMs: timeoutMs, at: now) }
        defer { state.withLock { $0.calls.end() } }
        return try body(timeoutMs)
    }

    private func tell(_ keys: [String], since began: MonotonicTime) {
        let isReady = clock.monotonic() - began >= Self.grace
        let told = state.withLock { state in
            if isReady { state.phase = .watching }
            var told: [Waiter] = []
            for key in keys {
                guard let waiters = state.waiters.removeValue(forKey: key) else { continue }
                state.count -= waiters.count
                told += waiters
            }
            return told
        }
        for waiter in told { waiter.answer() }
    }

    private func tellAll() {
        let told = state.withLock { state in
            let told = state.waiters.values.flatMap { $0 }
            (state.waiters, state.count, state.phase) = ([:], 0, .beginning)
            return told
        }
        for waiter in told { waiter.answer() }
    }
}
