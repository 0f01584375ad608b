internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What one connection speaks. Bytes go in, and answers come out one at a time: the next is only asked for when the
/// one before has left, so that a client that does not read cannot pile up answers.
protocol SocketConversation: AnyObject {
    /// Takes what the client sent. It may be any bytes, a part of a request or several.
    func take(_ bytes: [UInt8])
    /// The answer to the next whole request, or nil until more bytes come.
    func next() -> SocketReply?
    /// Whether part of a request has come.
    var isWaitingForRest: Bool { get }
}

/// An answer, in pieces that may be shared with other answers.
struct SocketReply {
    var pieces: [[UInt8]]
    /// Whether the connection ends after it.
    var closes = false
}

/// A listening socket and its clients, inside of the supervisor's loop: never blocks it, and bounds clients, bytes, time,
/// and the part of a processor that all of them get. Without clients it has no timer.
///
/// Each descriptor is watched for one event; it then stands in a queue, and is watched again when its turn is over. So
/// each client gets its turn, however many ask and however fast, and one that asks for the first time gets it soon.
final class SocketServer {
    /// The bounds.
    struct Bounds {
        /// Clients at once; past that the one that has been quiet the longest goes.
        var clients = 128
        /// How long a client may be idle, ns.
        var idle: Int64 = 60_000_000_000
        /// How long a request may take to come whole, and an answer to be taken, ns.
        var exchange: Int64 = 10_000_000_000
        /// Bytes of answers that clients have not taken, all together; past that the quietest ones go.
        var unsent = 64 << 20
        /// Answers to one client before others have their turn.
        var turn = 1
        /// Connections that are taken before clients have their turn.
        var connections = 4
        /// Parts of a thousand of a processor's time; and when there are more clients than people and tools make.
        var share: Int64 = 20
        var crowdedShare: Int64 = 5
        var crowd = 16
        /// What of that is saved up while nobody asks, ns.
        var savings: Int64 = 100_000_000
        /// What is done in one go, ns; then workers are heard.
        var portion: Int64 = 250_000
    }

    /// What stands in the queue.
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
        /// It has taken its first answer whole: it is a newcomer no more.
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

    /// Serves a listening socket. `open` begins a conversation with who connected, or refuses with nil.
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

    /// Ends all conversations and listens no more.
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

    /// Serves who waits, as long as a portion of the budget lasts.
    private func takeTurns(_ begin: MonotonicTime) {
        var now = clock.monotonic()
        _ = budget.opens(now: now)  // what has passed counts at the share that held
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
        // After the workers' events of the next round, also when there is time left.
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
                // No descriptor is left: again in a second.
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

    // MARK: Bounds

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
