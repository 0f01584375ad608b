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
        var loads = SharedLoads()
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
            state.loads.connectionEnded()
            noteLoads(state)
        }
        state.broadcast()
    }

    /// Asks; nil if there is no answer within so many ns.
    func ask(_ request: SharedRequest, timeout: Int64) -> SharedReply? {
        mayAsk() ? asked(request, timeout: timeout) : nil
    }

    private func mayAsk() -> Bool { state.withLock { $0.breaker.mayAsk(at: clock.boot()) } }

    private func asked(_ request: SharedRequest, by number: UInt64? = nil, timeout: Int64) -> SharedReply? {
        let reply = answer(to: request, by: number, until: clock.monotonic() + timeout)
        let isFailure = Self.isUnknown(reply)
        state.withLock { state in
            if isFailure { state.breaker.failed(at: clock.boot()) } else { state.breaker.answered() }
        }
        return reply
    }

    /// Whether nobody knows what became of a request with that answer.
    private static func isUnknown(_ reply: SharedReply?) -> Bool { reply == nil || reply == .answer(.away) }

    /// Waits until then, or until the load of a key may have changed; false, maybe at once, if nobody would tell.
    func awaitEnd(of key: SharedKey, until deadline: MonotonicTime) -> Bool {
        switch answer(to: .await(key), until: deadline) {
        case .answer(.changed): true
        case nil: clock.monotonic() >= deadline
        case .answer(.away), .answer(.done), .answer(.full), .reading, .hello: false
        }
    }

    // MARK: - Loads

    /// Begins a load for all hosts. If it has begun, it is in progress until `end`.
    func begin(_ key: SharedKey, load: UInt64, value: UInt64, timeout: Int64) -> SharedAnswer {
        guard mayAsk() else { return .away }
        let id = state.withLock { state -> UInt64? in
            guard state.loads.hasRoom else { return nil }
            state.lastID += 1
            state.loads.starting.insert(state.lastID)
            return state.lastID
        }
        guard let id else { return .away }
        let reply = asked(.begin(key, load: load, value: value), by: id, timeout: timeout)
        guard case .answer(let answer) = reply else {
            conclude(key, id, begun: nil, isKnown: false)
            return .away
        }
        var begun: UInt64?
        if case .done(let version) = answer { begun = version }
        conclude(key, id, begun: begun, isKnown: answer != .away)
        return answer
    }

    private func conclude(_ key: SharedKey, _ id: UInt64, begun: UInt64?, isKnown: Bool) {
        state.withLock { state in
            state.loads.start(key, by: id, begun: begun, isKnown: isKnown)
            noteLoads(state)
        }
    }

    /// Ends it by that request.
    ///
    /// That it is over is told even while the store is left alone: else other hosts would wait for a load that nobody performs.
    func end(_ key: SharedKey, begun: UInt64, by request: SharedRequest, timeout: Int64) -> SharedAnswer {
        let reply = mayAsk() ? asked(request, timeout: timeout) : tell(.end(key, begun: begun, outdates: false))
        state.withLock { state in
            state.loads.end(key, begun: begun, isKnown: !Self.isUnknown(reply))
            noteLoads(state)
        }
        if case .answer(let answer) = reply { return answer }
        return .away
    }

    /// Sends a small request and waits for no answer.
    private func tell(_ request: SharedRequest) -> SharedReply? {
        let (connection, id) = state.withLock { state in
            state.lastID += 1
            return (state.connection, state.lastID)
        }
        if let connection { _ = sendAtOnce(request, id, connection) }
        return nil
    }

    /// Whether it was sent.
    private func sendAtOnce(_ request: SharedRequest, _ id: UInt64, _ connection: SharedConnection) -> Bool {
        do throws(SharedConnection.Broken) {
            return try connection.sendAtOnce(SharedFrame.encode(request, id: id))
        } catch {
            lose(connection)
            return false
        }
    }

    /// Gives a sign of life for the loads in progress, by which the store's worker also knows of all others that they are over.
    func touch() {
        let due = state.withLock { state -> (SharedConnection, [UInt64], UInt64)? in
            guard let connection = state.connection, state.loads.wantSign else { return nil }
            return (connection, state.loads.takeSign(), state.lastID)
        }
        guard let (connection, loads, last) = due else { return }
        let isSent = sendAtOnce(.touch(loads), last, connection)
        state.withLock { state in
            guard state.connection === connection else { return }
            if !isSent { state.loads.isInDoubt = true }
            noteLoads(state)
        }
    }

    /// Has signs given as long as they are wanted. Called under the lock: what two threads do at once to the loads must not
    /// come to the signs in another order.
    private func noteLoads(_ state: borrowing State) {
        if state.connection != nil, state.loads.wantSign { signs.add(self) } else { signs.remove(self) }
    }

    // MARK: - One question

    /// Nil if there is no answer by then. The request has that number, or a new one.
    private func answer(to request: SharedRequest, by number: UInt64? = nil, until deadline: MonotonicTime)
        -> SharedReply?
    {
        guard let connection = connected(until: deadline) else { return nil }
        let id = state.withLock { state in
            if number == nil { state.lastID += 1 }
            let id = number ?? state.lastID
            state.waiting.insert(id)
            return id
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
            state.loads.connectionEnded()
            noteLoads(state)
        }
        state.broadcast()
    }
}

/// What the caches of one routine ask of the store, each time for as long as the routine's settings allow.
final class SharedCalls: SharedStore {
    private let socket: SharedSocket
    private let clock: any HostClock
    private let timeout: Int64
    private let pauses = Monitor(())
    /// How often a value is asked for that does not fit behind others.
    private static let mostReads = 8

    /// The routine's questions by its plugin's socket.
    init(_ socket: SharedSocket, timeoutMs: UInt64, clock: any HostClock) {
        self.socket = socket
        self.clock = clock
        timeout = Int64(clamping: timeoutMs) * 1_000_000
    }

    var longestValue: Int { socket.longestValue }

    func read(_ key: SharedKey, known: UInt64) -> SharedReading? {
        let end = clock.monotonic() + timeout
        for _ in 0..<Self.mostReads {
            let left = end - clock.monotonic()
            if left <= 0 { return nil }
            switch socket.ask(.read(key, known: known), timeout: left) {
            case .reading(let reading): return reading
            // What was asked for at once by all threads is more than may wait; what was before it is read by now.
            case .answer(.full): continue
            case .answer(.done), .answer(.changed), .answer(.away), .hello, nil: return nil
            }
        }
        return nil
    }

    func begin(_ key: SharedKey, load: UInt64, value: UInt64) -> SharedAnswer {
        socket.begin(key, load: load, value: value, timeout: timeout)
    }

    func succeed(_ key: SharedKey, begun: UInt64, _ value: SharedValue) -> SharedAnswer {
        socket.end(key, begun: begun, by: .succeed(key, begun: begun, value), timeout: timeout)
    }

    func fail(_ key: SharedKey, begun: UInt64, _ failure: SharedFailure, leftAlone: Int64) -> SharedAnswer {
        socket.end(key, begun: begun, by: .fail(key, begun: begun, failure, leftAlone: leftAlone), timeout: timeout)
    }

    func end(_ key: SharedKey, begun: UInt64, outdates: Bool) -> SharedAnswer {
        socket.end(key, begun: begun, by: .end(key, begun: begun, outdates: outdates), timeout: timeout)
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
