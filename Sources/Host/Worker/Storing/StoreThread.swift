internal import HostSystem
internal import HostValues
internal import HostWire

/// The store of a plugin at work: a thread with a connection that answers requests, and one with a connection that watches.
///
/// A connection is closed at the first error, and another one is opened: at once if it had lasted, else after a
/// `ReconnectPause`. A request that comes while there is none is answered as unknown. Watching is a hint: its thread says
/// nothing of its troubles.
final class StoreThread: Sendable {
    /// Whose requests it answers.
    enum Service {
        /// Those of leases. The supervisor is told of the connection, and the claims are watched.
        case leases
        /// Those that people wait for: answers are shorter, and the connection is nobody's business.
        case people

        /// The longest line of an answer, in bytes.
        fileprivate var room: AnswerRoom {
            switch self {
            case .leases: AnswerRoom()
            case .people: AnswerRoom(line: StoreEvent.longestConsultation)
            }
        }
    }

    private enum Order {
        case open
        case ask(UInt64, StoreRequest)
        case clear(UInt64, SharedSelection)
    }

    private struct State {
        var orders: [Order] = []
        var prefix = ""
        var timeoutMs: UInt32 = 0
        /// The number of the last order to connect.
        var opened = 0
        /// The calls of the thread that answers requests.
        var asking = CallDeadline()
        /// The calls of the thread that watches.
        var watching = CallDeadline()
        /// Whether there is a thread that watches.
        var watches = false

        /// Orders to connect, if nobody has yet; whether that was so.
        mutating func openOnce(_ prefix: String, _ timeoutMs: UInt64) -> Bool {
            guard opened == 0 else { return false }
            (self.prefix, self.timeoutMs, opened) = (prefix, UInt32(clamping: timeoutMs), 1)
            orders = [.open]
            return true
        }
    }

    /// How often calls are to be checked while one of a request is in progress, in ms, and how often while the store is
    /// only watched.
    private static let askingTick: Int32 = 500
    private static let watchingTick: Int32 = 2000
    /// How long one call of `watch` waits, in ms.
    private static let watchMs: UInt32 = 5000
    /// The keys that are watched: all else is read with each renewal, or is nobody's business.
    private static let watched = StoreKeys.claims

    private let store: OfferedStore
    private let context: PluginContext
    private let service: Service
    private let room: AnswerRoom
    private let state = Monitor(State())

    /// Makes one that does not run yet. A test may choose less room for an answer.
    init(_ store: OfferedStore, of context: PluginContext, for service: Service = .leases, room: AnswerRoom? = nil) {
        self.store = store
        self.context = context
        self.service = service
        self.room = room ?? service.room
    }

    /// Performs a command. Called on the control thread.
    func perform(_ command: StoreCommand) throws(SystemError) {
        let isFirst = state.withLock { state in
            switch command {
            case .open(let prefix, let timeout):
                state.prefix = prefix
                state.timeoutMs = UInt32(clamping: timeout)
                state.opened += 1
                state.orders = [.open]  // requests to the connection before are not answered
                guard state.opened == 1 else { return false }
                state.watches = service == .leases
                return true
            case .consult(let id, let request, let prefix, let timeout):
                defer { state.orders.append(.ask(id, request)) }
                return state.openOnce(prefix, timeout)
            case .clear(let id, let selection, let prefix, let timeout):
                defer { state.orders.append(.clear(id, selection)) }
                return state.openOnce(prefix, timeout)
            case .ask(let id, let request):
                state.orders.append(.ask(id, request))
                return false
            case .share: return false  // the exchange's
            }
        }
        state.broadcast()
        guard isFirst else { return }
        switch service {
        case .leases:
            try Thread.start(name: "store") { [self] in serve() }
            try Thread.start(name: "store watch") { [self] in watch() }
        case .people: try Thread.start(name: "store people") { [self] in serve() }
        }
    }

    /// Whether a call hangs. After a stop of the whole process it gets a moment to notice that it is late.
    func hangs(at now: BootTime) -> Bool {
        state.withLock { state in
            let (asking, watching) = (state.asking.hangs(at: now), state.watching.hangs(at: now))
            return asking || watching
        }
    }

    /// How often `hangs` is to be asked, in ms; -1: not at all.
    var tick: Int32 {
        state.withLock { state in
            if state.asking.isCalling || !state.orders.isEmpty { return Self.askingTick }
            return state.watches ? Self.watchingTick : -1
        }
    }

    /// Whether a request or the attempt to connect is in progress, or is to be made.
    var isBusy: Bool { state.withLock { $0.asking.isCalling || !$0.orders.isEmpty } }
    /// Whether such a call is in progress.
    var isCalling: Bool { state.withLock { $0.asking.isCalling } }
    /// Whether the store is being asked what has changed.
    var isWatching: Bool { state.withLock { $0.watching.isCalling } }

    private func say(_ event: StoreEvent) { context.channel.send(.store(event)) }

    private func answer(_ id: UInt64, _ answer: StoreAnswer) {
        switch service {
        case .leases: say(.stored(id, answer))
        case .people: say(.consulted(id, answer))
        }
    }

    private func tell(_ connection: StoreEvent) { if service == .leases { say(connection) } }

    // MARK: Requests

    private func serve() {
        var connection: StoreConnection?
        /// Since when it has been there.
        var connectedAt = context.clock.monotonic()
        var pause = ReconnectPause()
        /// When to connect again; nil: there is a connection.
        var retryAt: MonotonicTime?
        while true {
            switch next(until: retryAt) {
            case .ask(let id, let request)?:
                guard let open = connection else {
                    answer(id, StoreAnswer(sent: context.clock.boot(), outcome: .unknown, found: nil))
                    continue
                }
                let (found, broken) = call(\.asking) { open.perform(request, timeoutMs: $0) }
                answer(id, found)
                guard let broken else { continue }
                connection = nil
                tell(.down(broken.text))
                retryAt = retry(after: connectedAt, &pause)
            case .clear(let id, let selection)?:
                guard let open = connection else {
                    say(.cleared(id, removed: 0, trouble: "the store is not connected"))
                    continue
                }
                let (removed, broken) = open.clear(selection, timeoutMs: state.withLock { $0.timeoutMs }) { begins in
                    state.withLock { state in
                        if begins {
                            state.asking.begin(timeoutMs: state.timeoutMs, at: context.clock.boot())
                        } else {
                            state.asking.end()
                        }
                    }
                }
                say(.cleared(id, removed: removed, trouble: broken?.text))
                guard broken != nil else { continue }
                connection = nil
                retryAt = retry(after: connectedAt, &pause)
            case .open?, nil:
                connection = nil  // before there is another one
                do throws(StoreConnection.Broken) {
                    let new = try connect()
                    connection = new
                    retryAt = nil
                    connectedAt = context.clock.monotonic()
                    tell(.up(StoreLink(instance: new.instance, most: store.most)))
                } catch {
                    tell(.down(error.text))
                    let timeoutMs = state.withLock { $0.timeoutMs }
                    retryAt = context.clock.monotonic() + pause.failed(timeoutMs: timeoutMs)
                }
            }
        }
    }

    /// When to connect again after a connection broke that had been there since then.
    private func retry(after connectedAt: MonotonicTime, _ pause: inout ReconnectPause) -> MonotonicTime {
        let now = context.clock.monotonic()
        return now + pause.broke(after: now - connectedAt, timeoutMs: state.withLock { $0.timeoutMs })
    }

    /// The next order, or nil when it is time to connect again.
    private func next(until time: MonotonicTime?) -> Order? {
        func take(_ state: inout State) -> Order? { state.orders.isEmpty ? nil : state.orders.removeFirst() }
        guard let time else { return state.wait(take) }
        return state.wait(until: time, take)
    }

    private func connect() throws(StoreConnection.Broken) -> StoreConnection {
        let prefix = state.withLock { $0.prefix }
        return try connect(prefix, in: \.asking)
    }

    private func connect(_ prefix: String, in calls: WritableKeyPath<State, CallDeadline>)
        throws(StoreConnection.Broken) -> StoreConnection
    {
        try call(calls) { timeoutMs throws(StoreConnection.Broken) in
            guard let scheduler = unsafe context.scope?.scheduler else { throw .init(text: "it is not loaded") }
            return try unsafe StoreConnection(
                store, scheduler, prefix: prefix, timeoutMs: timeoutMs, room: room, clock: context.clock)
        }
    }

    /// Makes calls that take `timeoutMs` at most, or what a request may take, and lets the control thread see when they do
    /// not return.
    private func call<Result, Failure>(
        _ calls: WritableKeyPath<State, CallDeadline>, timeoutMs: UInt32? = nil,
        _ body: (UInt32) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let now = context.clock.boot()
        let timeoutMs = state.withLock { state in
            let timeout = timeoutMs ?? state.timeoutMs
            state[keyPath: calls].begin(timeoutMs: timeout, at: now)
            return timeout
        }
        defer { state.withLock { $0[keyPath: calls].end() } }
        return try body(timeoutMs)
    }

    // MARK: Watching

    private func watch() {
        defer { state.withLock { $0.watches = false } }
        while true {
            let (prefix, opened) = state.withLock { ($0.prefix, $0.opened) }
            do throws(StoreConnection.Broken) {
                let connection = try connect(prefix, in: \.watching)
                var pace = WatchPace()
                while state.withLock({ $0.opened == opened }) {
                    let start = context.clock.monotonic()
                    let keys = try call(\.watching, timeoutMs: Self.watchMs) {
                        timeoutMs throws(StoreConnection.Broken) in
                        try connection.watch(Self.watched, timeoutMs: timeoutMs)
                    }
                    guard let keys else { return }
                    if !keys.isEmpty { say(.changed(keys)) }
                    rest(pace.rest(after: context.clock.monotonic() - start), whileOpened: opened)
                }
            } catch {
                rest(1_000_000_000, whileOpened: opened)
            }
        }
    }

    /// Waits for so many ns, or until another connection is wanted.
    private func rest(_ duration: Int64, whileOpened opened: Int) {
        let time = context.clock.monotonic() + duration
        _ = state.wait(until: time) { $0.opened == opened ? nil : true }
    }
}
