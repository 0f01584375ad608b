internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The protocol of one connection. Received bytes go in, and replies come out one at a time: the next is requested only
/// after the previous one was sent, so that a client that does not read cannot accumulate replies.
protocol SocketConversation: AnyObject {
    /// Takes received bytes: any bytes, which may be a part of a request or several requests.
    func take(_ bytes: [UInt8])
    /// The reply to the next complete request; nil until more bytes arrive.
    func next() -> SocketReply?
    /// Whether an incomplete request has been received.
    var isWaitingForRest: Bool { get }
}

/// A reply, in pieces whose storage may be shared with other replies.
struct SocketReply {
    var pieces: [[UInt8]]
    /// Whether the connection is closed after the reply.
    var closes = false
}

/// Serves a listening socket and its clients within the supervisor's event loop. It never blocks the loop, and limits
/// clients, bytes, time, and its share of a processor. Without clients it needs no timer.
///
/// Each descriptor is watched for a single event, then waits in a queue, and is watched again after its turn. So each
/// client gets its turn however many there are and however fast they ask, and a new client gets its first answer soon.
final class SocketServer {
    /// The limits of a server.
    struct Bounds {
        /// The number of clients; past that, the client that has been quiet the longest is dropped.
        var clients = 128
        /// How long a client may be idle, in ns.
        var idle: Int64 = 60_000_000_000
        /// How long a request may take to arrive completely, and a reply to be read, in ns.
        var exchange: Int64 = 10_000_000_000
        /// The bytes of unread replies of all clients; past that, the quietest clients are dropped.
        var unsent = 64 << 20
        /// The number of replies to one client before others get their turn.
        var turn = 1
        /// The number of connections accepted before clients get their turn.
        var connections = 4
        /// The share of a processor's time, in thousandths; and the smaller share that applies when there are more than
        /// `crowd` clients, which people and tools do not cause.
        var share: Int64 = 20
        var crowdedShare: Int64 = 5
        var crowd = 16
        /// How much unused time is saved for later, in ns.
        var savings: Int64 = 100_000_000
        /// How long the server works before the loop's other work gets a turn, in ns.
        var portion: Int64 = 250_000
    }

    /// An element of the queue.
    private enum Turn {
        case listener
        case client(Int)
    }

    private final class Client {
        let socket: Descriptor
        let conversation: any SocketConversation
        var token: EventLoop.Token?
        var output: [[UInt8]] = []
        var sent = 0
        var closes = false
        var isPastItsTurn = false
        /// Whether the first reply was sent completely, so that the client is no longer a newcomer.
        var hasItsAnswer = false
        var lastActive: MonotonicTime
        var exchangeBegan: MonotonicTime?

        init(_ socket: consuming Descriptor, _ conversation: any SocketConversation, now: MonotonicTime) {
            self.socket = socket
            self.conversation = conversation
            lastActive = now
        }

        var unsent: Int { output.reduce(0) { $0 + $1.count } - sent }
    }

    private let listener: Descriptor
    private let loop: EventLoop
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let bounds: Bounds
    private let open: (borrowing Descriptor) -> (any SocketConversation)?
    private var clients: [Int: Client] = [:]
    private var nextClient = 0
    private var token: EventLoop.Token?
    private var dropTimer: Deadlines.Timer?
    private var turnTimer: Deadlines.Timer?
    private var heldUntil: MonotonicTime?
    private var budget: WorkBudget
    private var queue = TurnQueue<Turn>()

    /// Serves a listening socket. `open` makes the conversation for a connection, or returns nil to refuse it.
    init(
        _ listener: consuming Descriptor, loop: EventLoop, deadlines: Deadlines, clock: any HostClock, bounds: Bounds,
        open: @escaping (borrowing Descriptor) -> (any SocketConversation)?
    ) throws(SystemError) {
        self.listener = listener
        self.loop = loop
        self.deadlines = deadlines
        self.clock = clock
        self.bounds = bounds
        self.open = open
        budget = WorkBudget(
            share: bounds.share, savings: bounds.savings, portion: bounds.portion, now: clock.monotonic())
        token = try loop.watch(self.listener, for: [.readable, .once]) { [weak self] _ in self?.enqueue(.listener) }
        dropTimer = deadlines.make { [weak self] now in self?.dropLate(now) }
        turnTimer = deadlines.make { [weak self] now in self?.takeTurns(now) }
    }

    /// Closes all connections and stops listening.
    func close() {
        for number in Array(clients.keys) { drop(number) }
        if let token { loop.unwatch(listener, token) }
        token = nil
        for timer in [dropTimer, turnTimer] { if let timer { deadlines.remove(timer) } }
        dropTimer = nil
        turnTimer = nil
    }

    // MARK: Turns

    private func enqueue(_ turn: Turn) {
        switch turn {
        case .listener: queue.append(turn, isNewcomer: true)
        case .client(let number): queue.append(turn, isNewcomer: clients[number]?.hasItsAnswer == false)
        }
        let now = clock.monotonic()
        if let turnTimer { deadlines.set(turnTimer, at: budget.opens(now: now)) }
    }

    /// Serves the queue until it is empty or the budget is used up.
    private func takeTurns(_ begin: MonotonicTime) {
        var now = clock.monotonic()
        _ = budget.opens(now: now)  // the time that has passed counts at the former share
        budget.share = clients.count > bounds.crowd ? bounds.crowdedShare : bounds.share
        var before = threadProcessorTime()
        while budget.opens(now: now) <= now, now - begin < bounds.portion, let turn = queue.next() {
            switch turn {
            case .listener: accept()
            case .client(let number): serve(number)
            }
            now = clock.monotonic()
            let worked = threadProcessorTime()
            budget.charge(worked - before, now: now)
            before = worked
        }
        boundOutput()
        setDropTimer()
        // In the next round, after the workers' events, even if time is left.
        if !queue.isEmpty, let turnTimer { deadlines.set(turnTimer, at: max(budget.opens(now: now), begin + 1)) }
    }

    private func accept() {
        for _ in 0..<bounds.connections {
            do throws(SystemError) {
                guard let socket = try listener.accept() else { break }
                guard let conversation = open(socket) else { continue }
                if clients.count >= bounds.clients { dropQuietest() }
                let client = Client(socket, conversation, now: clock.monotonic())
                let number = nextClient
                nextClient += 1
                client.token = try loop.watch(client.socket, for: [.readable, .once]) { [weak self] _ in
                    self?.enqueue(.client(number))
                }
                clients[number] = client
            } catch {
                // No descriptor is available; retry in a second.
                heldUntil = clock.monotonic() + 1_000_000_000
                return
            }
        }
        if let token { try? loop.rewatch(listener, token, for: [.readable, .once]) }
    }

    private func serve(_ number: Int) {
        guard let client = clients[number] else { return }
        do throws(SystemError) {
            try flush(client)
            if client.output.isEmpty, !client.closes, !client.isPastItsTurn { try read(client) }
            client.isPastItsTurn = false
            try answer(client)
        } catch {
            return drop(number)
        }
        if client.closes, client.output.isEmpty { return drop(number) }
        if client.isPastItsTurn, client.output.isEmpty { return enqueue(.client(number)) }
        if let token = client.token {
            let wanted: Poller.Readiness = client.output.isEmpty ? .readable : .writable
            try? loop.rewatch(client.socket, token, for: [wanted, .once])
        }
    }

    private func read(_ client: Client) throws(SystemError) {
        guard let bytes = try client.socket.receive(atMost: 65_536) else { return }
        if bytes.isEmpty {
            client.closes = true
            return
        }
        client.lastActive = clock.monotonic()
        client.conversation.take(bytes)
    }

    private func answer(_ client: Client) throws(SystemError) {
        var answers = 0
        while client.output.isEmpty, !client.closes, let reply = client.conversation.next() {
            client.output = reply.pieces.filter { !$0.isEmpty }
            client.sent = 0
            client.closes = reply.closes
            client.exchangeBegan = client.output.isEmpty ? nil : clock.monotonic()
            try flush(client)
            answers += 1
            if answers == bounds.turn {
                client.isPastItsTurn = true
                break
            }
        }
        if client.output.isEmpty {
            let waits = client.conversation.isWaitingForRest
            client.exchangeBegan = waits ? client.exchangeBegan ?? clock.monotonic() : nil
        }
    }

    private func flush(_ client: Client) throws(SystemError) {
        while let piece = client.output.first {
            let count = try client.socket.send(piece, from: client.sent)
            if count == 0 { return }
            client.lastActive = clock.monotonic()
            client.sent += count
            if client.sent >= piece.count {
                client.output.removeFirst()
                client.sent = 0
                client.hasItsAnswer = client.hasItsAnswer || client.output.isEmpty
            }
        }
    }

    // MARK: Limits

    private func drop(_ number: Int) {
        guard let client = clients.removeValue(forKey: number) else { return }
        if let token = client.token { loop.unwatch(client.socket, token) }
    }

    private func dropQuietest() {
        if let quietest = clients.min(by: { ($0.value.lastActive, $0.key) < ($1.value.lastActive, $1.key) }) {
            drop(quietest.key)
        }
    }

    private func boundOutput() {
        var unsent = clients.values.reduce(0) { $0 + $1.unsent }
        while unsent > bounds.unsent,
            let quietest = clients.filter({ $0.value.unsent > 0 })
                .min(by: { ($0.value.lastActive, $0.key) < ($1.value.lastActive, $1.key) })
        {
            unsent -= quietest.value.unsent
            drop(quietest.key)
        }
    }

    private func deadline(_ client: Client) -> MonotonicTime {
        if let began = client.exchangeBegan { return began + bounds.exchange }
        return client.lastActive + bounds.idle
    }

    private func setDropTimer() {
        guard let dropTimer else { return }
        var next = heldUntil
        for client in clients.values { next = min(next ?? .never, deadline(client)) }
        deadlines.set(dropTimer, at: next)
    }

    private func dropLate(_ now: MonotonicTime) {
        for (number, client) in clients where deadline(client) <= now { drop(number) }
        if let time = heldUntil, time <= now {
            heldUntil = nil
            enqueue(.listener)
        }
        setDropTimer()
    }
}
