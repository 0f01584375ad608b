internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// A plugin's way to the store that its host shares with others: asks, waits, and goes without when there is no answer.
///
/// Any thread may ask. There is no thread of its own: of those who wait one reads, for all of them.
final class SharedSocket: Sendable {
    private struct State {
        var connection: SharedConnection?
        var breaker = StoreBreaker()
        /// When a connection was asked for last.
        var askedAt = MonotonicTime.longAgo
        var lastID: UInt64 = 0
        /// Who waits for an answer, and answers that have come for others than who reads.
        var waiting: Set<UInt64> = []
        var answers: [UInt64: SharedReply] = [:]
        var isReading = false
        /// Loads that are in progress here for all hosts.
        var loads: Set<UInt64> = []
        var longestValue = SharedSocket.leastValue

        mutating func forget(_ id: UInt64) {
            waiting.remove(id)
            answers[id] = nil
        }
    }

    /// A connection is asked for again after so long, in ns.
    private static let patience: Int64 = 1_000_000_000

    /// What every store takes of a value with its header, in bytes.
    fileprivate static let leastValue = 65_536 - SharedValueRecord.head

    private let state = Monitor(State())
    private let clock: any HostClock
    private let signs: SharedSigns
    private let wish: @Sendable () -> Void

    /// A plugin without a connection. `wish` asks the supervisor for one.
    init(clock: any HostClock, signs: SharedSigns, wish: @escaping @Sendable () -> Void) {
        self.clock = clock
        self.signs = signs
        self.wish = wish
    }

    /// The largest value with its header that the store takes, in bytes; as long as that is unknown, what all take.
    var longestValue: Int { state.withLock { $0.longestValue } }

    /// There is a connection now.
    func connect(_ socket: PassedDescriptor, timeoutMs: Int32 = 250) throws(SystemError) {
        let connection = try SharedConnection(socket, timeoutMs: timeoutMs)
        state.withLock { state in
            state.connection?.end()
            state.connection = connection
            state.loads = []
        }
        signs.remove(self)
        state.broadcast()
    }

    /// Asks; nil if there is no answer within so many ns.
    func ask(_ request: SharedRequest, timeout: Int64) -> SharedReply? {
        let mayAsk = state.withLock { $0.breaker.mayAsk(at: clock.boot()) }
        guard mayAsk else { return nil }
        let reply = answer(to: request, until: clock.monotonic() + timeout)
        let isFailure = reply == nil || reply == .answer(.away)
        state.withLock { state in
            if isFailure { state.breaker.failed(at: clock.boot()) } else { state.breaker.answered() }
        }
        return reply
    }

    /// Waits until then, or until the load of a key may have changed; false, maybe at once, if nobody would tell.
    func awaitEnd(of key: SharedKey, until deadline: MonotonicTime) -> Bool {
        switch answer(to: .await(key), until: deadline) {
        case .answer(.changed): true
        case nil: clock.monotonic() >= deadline
        case .answer(.away), .answer(.done), .answer(.full), .reading, .hello: false
        }
    }

    /// Gives a sign of life for the loads in progress.
    func touch() {
        guard let connection = state.withLock({ $0.loads.isEmpty ? nil : $0.connection }) else { return }
        do throws(SharedConnection.Broken) {
            try connection.sendAtOnce(SharedFrame.encode(.touch, id: 0))
        } catch {
            lose(connection)
        }
    }

    /// A load has begun here for all hosts, with that version.
    func began(_ load: UInt64) {
        let isFirst = state.withLock { state in
            state.loads.insert(load)
            return state.loads.count == 1
        }
        if isFirst { signs.add(self) }
    }

    /// It is over.
    func ended(_ load: UInt64) {
        let isLast = state.withLock { $0.loads.remove(load) != nil && $0.loads.isEmpty }
        if isLast { signs.remove(self) }
    }

    // MARK: - One question

    private func answer(to request: SharedRequest, until deadline: MonotonicTime) -> SharedReply? {
        guard let connection = connected(until: deadline) else { return nil }
        let id = state.withLock { state in
            state.lastID += 1
            state.waiting.insert(state.lastID)
            return state.lastID
        }
        defer { state.withLock { $0.forget(id) } }
        do throws(SharedConnection.Broken) {
            try connection.send(SharedFrame.encode(request, id: id)) { clock.monotonic() >= deadline }
        } catch {
            lose(connection)
            return nil
        }
        while true {
            switch turn(id, connection, until: deadline) {
            case .answered(let reply): return reply
            case .nothing: return nil
            case .read: read(connection, until: deadline)
            }
        }
    }

    private func connected(until deadline: MonotonicTime) -> SharedConnection? {
        let now = clock.monotonic()
        let (known, isWanted) = state.withLock { state in
            if let connection = state.connection { return (connection as SharedConnection?, false) }
            guard now - state.askedAt >= Self.patience else { return (nil, false) }
            state.askedAt = now
            return (nil, true)
        }
        if let known { return known }
        if isWanted { wish() }
        return state.wait(until: deadline) { $0.connection }
    }

    private enum Turn {
        case answered(SharedReply)
        /// Read for all who wait.
        case read
        /// Its time is over, or its connection.
        case nothing
    }

    private func turn(_ id: UInt64, _ connection: SharedConnection, until deadline: MonotonicTime) -> Turn {
        let isOver = clock.monotonic() >= deadline
        let turn = state.wait(until: deadline) { state -> Turn? in
            if let reply = state.answers.removeValue(forKey: id) { return .answered(reply) }
            if isOver || state.connection !== connection { return .nothing }
            if state.isReading { return nil }
            state.isReading = true
            return .read
        }
        return turn ?? .nothing
    }

    private func read(_ connection: SharedConnection, until deadline: MonotonicTime) {
        let left = Int32(clamping: max(0, (deadline - clock.monotonic() + 999_999) / 1_000_000))
        let replies = try? connection.receive(milliseconds: left)
        state.withLock { state in
            state.isReading = false
            for (id, reply) in replies ?? [] {
                if case .hello(let longest) = reply { state.longestValue = Int(clamping: longest) }
                if state.waiting.contains(id) { state.answers[id] = reply }
            }
        }
        if replies == nil { lose(connection) }
        state.broadcast()
    }

    private func lose(_ connection: SharedConnection) {
        connection.end()
        state.withLock { state in
            guard state.connection === connection else { return }
            state.connection = nil
            state.loads = []
        }
        signs.remove(self)
        state.broadcast()
    }
}

/// What the caches of one routine ask of the store, each time for as long as the routine's settings allow.
final class SharedCalls: SharedStore {
    private let socket: SharedSocket
    private let clock: any HostClock
    private let timeout: Int64
    private let pauses = Monitor(())

    /// The routine's questions by its plugin's socket.
    init(_ socket: SharedSocket, timeoutMs: UInt64, clock: any HostClock) {
        self.socket = socket
        self.clock = clock
        timeout = Int64(clamping: timeoutMs) * 1_000_000
    }

    var longestValue: Int { socket.longestValue }

    func read(_ key: SharedKey, known: UInt64) -> SharedReading? {
        guard case .reading(let reading) = socket.ask(.read(key, known: known), timeout: timeout) else { return nil }
        return reading
    }

    func begin(_ key: SharedKey, load: UInt64, value: UInt64) -> SharedAnswer {
        let answer = change(.begin(key, load: load, value: value))
        if case .done(let version) = answer { socket.began(version) }
        return answer
    }

    func succeed(_ key: SharedKey, begun: UInt64, _ value: SharedValue) -> SharedAnswer {
        defer { socket.ended(begun) }
        return change(.succeed(key, begun: begun, value))
    }

    func fail(_ key: SharedKey, begun: UInt64, _ failure: SharedFailure, leftAlone: Int64) -> SharedAnswer {
        defer { socket.ended(begun) }
        return change(.fail(key, begun: begun, failure, leftAlone: leftAlone))
    }

    func end(_ key: SharedKey, begun: UInt64) -> SharedAnswer {
        defer { socket.ended(begun) }
        return change(.end(key, begun: begun))
    }

    func put(_ key: SharedKey, _ value: SharedValue) -> SharedAnswer { change(.put(key, value)) }

    func drop(_ key: SharedKey) -> SharedAnswer { change(.drop(key)) }

    func wait(for key: SharedKey, until time: BootTime) -> Bool {
        let end = clock.monotonic() + max(0, time - clock.boot())
        if socket.awaitEnd(of: key, until: end) { return true }
        let _: Void? = pauses.wait(until: end) { _ in nil }
        return false
    }

    private func change(_ request: SharedRequest) -> SharedAnswer {
        if case .answer(let answer) = socket.ask(request, timeout: timeout) { answer } else { .away }
    }
}
