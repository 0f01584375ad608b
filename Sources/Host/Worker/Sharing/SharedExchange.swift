internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// Serves the shared caches of this host's workers, in the store's worker.
///
/// Each thread has a connection to the store of its own, and all of them wait for requests. One that has heard a worker lets the
/// others hear it again before it asks the store, so that nobody is woken without a request. What comes while all of them ask
/// the store is one batch.
final class SharedExchange: Sendable {
    private struct State {
        var peers: [UInt64: SharedPeer] = [:]
        /// What each plugin has put into the store.
        var accounts: [String: SharedAccount] = [:]
        var lastToken: UInt64 = 0
        var prefix = ""
        /// How long a call to the store may take, in ms: as long as whoever lets it take longest.
        var timeoutMs = SharedExchange.leastTimeoutMs
        /// The calls of each thread.
        var calls: [CallDeadline] = []
        /// Whether people were told that the store is away.
        var isDown = false
        /// What was asked of the store since the supervisor was told, and when that was.
        var uses = StoreUses(.caches)
        var toldAt = BootTime.longAgo

        /// Workers have come or gone.
        mutating func lookAtTimeouts() {
            timeoutMs = peers.values.reduce(SharedExchange.leastTimeoutMs) { max($0, UInt32(clamping: $1.timeoutMs)) }
        }

        /// What the supervisor is to be told now, each time anew; nil if that is nothing.
        mutating func takeUses(at now: BootTime) -> [StoreUse]? {
            guard now - toldAt >= SharedExchange.shortestReport else { return nil }
            let news = uses.all.filter { $0.durations.total > 0 }
            guard !news.isEmpty else { return nil }
            (uses, toldAt) = (StoreUses(.caches), now)
            return news
        }
    }

    /// How long a call may take in any case, in ms: one that is broken off costs a new connection, which takes longer than the
    /// shortest time that a worker waits.
    private static let leastTimeoutMs: UInt32 = 250
    /// How often calls are to be checked, in ms.
    private static let tickMs: Int32 = 2000
    /// The supervisor is told what was asked of the store after so many ns at least.
    private static let shortestReport: Int64 = 1_500_000_000
    private static let mostLinks = 16
    private static let shortestPause: Int64 = 100_000_000
    private static let longestPause: Int64 = 5_000_000_000

    private let store: OfferedStore
    private let context: PluginContext
    private let poller: Poller
    private let state = Monitor(State())
    private let watch: SharedWatch
    private let host = String(HostProcess.hostName.prefix(64))
    private let instance = String(UInt64.random(in: 0 ... .max), radix: 16)

    init(_ store: OfferedStore, of context: PluginContext) throws(SystemError) {
        self.store = store
        self.context = context
        poller = try Poller()
        watch = SharedWatch(clock: context.clock)
    }

    /// The largest value with its header, in bytes.
    private var longest: Int {
        min(Int(clamping: unsafe store.table.max_value_bytes) - SharedValueRecord.head, SharedFrame.longestValue)
    }

    /// Serves a worker from now on. Called on the control thread.
    func add(_ socket: PassedDescriptor, _ access: SharedAccess) throws(SystemError) {
        let token = state.withLock { state in
            state.lastToken += 1
            return state.lastToken
        }
        let account = state.withLock { state in
            let account =
                state.accounts[access.plugin] ?? SharedAccount(keys: access.mostKeys, bytes: access.mostBytes)
            state.accounts[access.plugin] = account
            return account
        }
        account.limit(keys: access.mostKeys, bytes: access.mostBytes)
        let peer = try SharedPeer(socket, access, token: token, longest: longest, account: account)
        let (former, threads) = state.withLock { state in
            // A plugin can ask for connections without end, and keep those that it has.
            let former = state.peers.values.filter {
                access.worker != nil && $0.worker == access.worker && $0.names.plugin == access.plugin
            }
            state.peers[token] = peer
            state.prefix = access.prefix
            state.lookAtTimeouts()
            let old = state.calls.count
            while state.calls.count < min(max(access.links, 1), Self.mostLinks) { state.calls.append(CallDeadline()) }
            return (former, old..<state.calls.count)
        }
        for peer in former { peer.leave() }
        try peer.watch(by: poller)
        peer.answer(0, .hello(longestValue: UInt64(longest)), watchingBy: poller)
        for number in threads {
            try Thread.start(name: "shared \(number)") { [self] in serve(number) }
        }
    }

    /// Those values were removed from the store.
    func cleared(_ selection: SharedSelection) {
        for account in state.withLock({ Array($0.accounts.values) }) { account.remove { selection.contains($0) } }
    }

    /// How long a call to the store may take, in ms.
    var timeoutMs: UInt32 { state.withLock { $0.timeoutMs } }

    /// Whether a call to the store hangs.
    func hangs(at now: BootTime) -> Bool {
        let watchHangs = watch.hangs(at: now)
        return state.withLock { state in
            var hangs = watchHangs
            for index in state.calls.indices { hangs = state.calls[index].hangs(at: now) || hangs }
            return hangs
        }
    }

    /// Tells the supervisor what was asked of the store, now and then. Called on the control thread.
    func report(at now: BootTime) {
        if let uses = state.withLock({ $0.takeUses(at: now) }) { context.channel.send(.store(.used(uses))) }
    }

    /// How often `hangs` and `report` are to be called, in ms; -1: not at all.
    var tick: Int32 { state.withLock { $0.peers.isEmpty ? -1 : Self.tickMs } }

    // MARK: One thread

    private func serve(_ number: Int) {
        var link: SharedLink?
        var ages = StoreClock()
        var pause = Self.shortestPause
        var retryAt = MonotonicTime.longAgo
        while true {
            let jobs = hear()
            if jobs.isEmpty { continue }
            if link == nil, context.clock.monotonic() >= retryAt {
                do throws(StoreConnection.Broken) {
                    link = try connect(number, ages)
                    pause = Self.shortestPause
                    tell(nil)
                } catch {
                    tell(error.text)
                    retryAt = context.clock.monotonic() + pause
                    pause = min(pause * 2, Self.longestPause)
                }
            }
            guard let open = link else {
                for job in jobs {
                    switch job {
                    case .ask(let peer, let id, let request):
                        if request.isAnswered { peer.answer(id, .answer(.away), watchingBy: poller) }
                    // What another thread begins for it is over at once.
                    case .gone(let peer): _ = peer.takeLoads()
                    }
                }
                continue
            }
            open.timeoutMs = timeoutMs
            let batch = SharedBatch(
                jobs: jobs, link: open, clock: context.clock, host: host, timeout: Int64(open.timeoutMs) * 1_000_000
            ) { [self] peer, text in
                tell(peer.names.plugin, isFull: text)
            } answer: { [self] peer, id, reply in
                peer.answer(id, reply, watchingBy: poller)
            }
            do throws(StoreConnection.Broken) {
                try batch.perform()
            } catch {
                tell(error.text)
                link = nil
                retryAt = context.clock.monotonic()
            }
            ages = open.ages
        }
    }

    private func connect(_ number: Int, _ ages: StoreClock) throws(StoreConnection.Broken) -> SharedLink {
        let (prefix, timeoutMs) = state.withLock { ($0.prefix, $0.timeoutMs) }
        guard let scheduler = unsafe context.scope?.scheduler else { throw .init(text: "it is not loaded") }
        return try unsafe SharedLink(
            store, scheduler, record: Array((prefix + "clock/\(instance)-\(number)").utf8), ages: ages,
            timeoutMs: timeoutMs, clock: context.clock
        ) { [state, clock = context.clock] timeoutMs in
            state.withLock { state in
                if let timeoutMs {
                    state.calls[number].begin(timeoutMs: timeoutMs, at: clock.boot())
                } else {
                    state.calls[number].end()
                }
            }
        } count: { [state] operation, outcome, time in
            state.withLock { $0.uses.count(operation, outcome, after: time) }
        }
    }

    /// Tells people that a plugin has no more room in the store.
    private func tell(_ plugin: String, isFull text: String) {
        log("shared caches: \(plugin) \(text)", level: 30)
    }

    private func log(_ text: String, level: Int32) {
        context.channel.log(
            WorkerEvent.Log(
                plugin: context.number, routine: nil, level: level, text: text, ms: context.clock.wallMilliseconds()))
    }

    /// Tells people when the store goes, with the reason, and when it is back.
    func tell(_ trouble: String?) {
        let isNews = state.withLock { state in
            defer { state.isDown = trouble != nil }
            return state.isDown != (trouble != nil)
        }
        guard isNews else { return }
        let text =
            trouble.map { "shared caches: the store is not connected: \($0)" }
            ?? "shared caches: the store is connected again"
        log(text, level: trouble == nil ? 20 : 30)
    }

    // MARK: Hearing

    /// Waits for requests, beside the other threads. Each worker is heard by one of them at a time.
    private func hear() -> [SharedBatch.Job] {
        var ready: [(token: UInt64, readiness: Poller.Readiness)] = []
        do throws(SystemError) {
            _ = try poller.wait { token, readiness in ready.append((token, readiness)) }
        } catch {
            WorkerFailure.die("the store closed the worker's descriptors (\(error))")
        }
        var jobs: [SharedBatch.Job] = []
        for (token, readiness) in ready {
            guard let peer = state.withLock({ $0.peers[token] }) else { continue }
            if readiness.contains(.writable) { peer.flush() }
            var heard = SharedPeer.Heard()
            if !readiness.isDisjoint(with: [.readable, .closed]) { heard = peer.hear() }
            for (id, request) in heard.requests {
                if case .await(let key) = request {
                    awaitLoad(of: key, peer, id)
                } else {
                    jobs.append(.ask(peer, id: id, request))
                }
            }
            guard heard.isOver || (readiness.contains(.closed) && heard.requests.isEmpty) else {
                peer.listen(by: poller)
                continue
            }
            peer.end(watchedBy: poller)
            watch.remove(token)
            state.withLock { state in
                state.peers[token] = nil
                state.lookAtTimeouts()
            }
            jobs.append(.gone(peer))
        }
        return jobs
    }

    /// A worker is told when another host's load may be over, if the store tells.
    private func awaitLoad(of key: SharedKey, _ peer: SharedPeer, _ id: UInt64) {
        let isWatched =
            peer.names.load(of: key).map { name in
                watch.add(
                    name, by: peer.token,
                    connect: { [self] () throws(StoreConnection.Broken) in try connection() },
                    answer: { [self] in peer.answer(id, .answer(.changed), watchingBy: poller) })
            } ?? false
        if !isWatched { peer.answer(id, .answer(.away), watchingBy: poller) }
    }

    private func connection() throws(StoreConnection.Broken) -> StoreConnection {
        let (prefix, timeoutMs) = state.withLock { ($0.prefix, $0.timeoutMs) }
        guard let scheduler = unsafe context.scope?.scheduler else { throw .init(text: "it is not loaded") }
        return try unsafe StoreConnection(
            store, scheduler, prefix: prefix, timeoutMs: timeoutMs, clock: context.clock)
    }
}
