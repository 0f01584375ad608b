internal import HostCore
internal import HostSystem

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

/// A listening socket and its clients, inside of the supervisor's loop: never blocks it, and bounds clients, bytes and
/// time. Without clients it has no timer.
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
        var turn = 8
    }

    private final class Client {
        let socket: Descriptor
        let conversation: any SocketConversation
        var token: EventLoop.Token?
        var output: [[UInt8]] = []
        var sent = 0
        var closes = false
        var isPastItsTurn = false
        var lastActive: Int64
        var exchangeBegan: Int64?

        init(_ socket: consuming Descriptor, _ conversation: any SocketConversation, now: Int64) {
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
    private var timer: Deadlines.Timer?
    private var isHeld = false

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
        token = try loop.watch(self.listener) { [weak self] _ in self?.accept() }
        timer = deadlines.make { [weak self] now in self?.dropLate(now) }
    }

    /// How many clients there are.
    var clientCount: Int { clients.count }

    /// Ends all conversations and listens no more.
    func close() {
        for number in Array(clients.keys) { drop(number) }
        if let token { loop.unwatch(listener, token) }
        token = nil
        if let timer { deadlines.remove(timer) }
        timer = nil
    }

    private func accept() {
        for _ in 0..<16 {
            do throws(SystemError) {
                guard let socket = try listener.accept() else { return }
                guard let conversation = open(socket) else { continue }
                if clients.count >= bounds.clients { dropQuietest() }
                let client = Client(socket, conversation, now: clock.monotonic())
                let number = nextClient
                nextClient += 1
                client.token = try loop.watch(client.socket) { [weak self] _ in self?.serve(number) }
                clients[number] = client
            } catch {
                return hold()  // no descriptor is left: again in a second
            }
        }
        setTimer()
    }

    /// Stops accepting until a second has passed, since the listener would stay readable.
    private func hold() {
        guard let token else { return }
        loop.unwatch(listener, token)
        self.token = nil
        isHeld = true
        setTimer()
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
        watch(client)
        boundOutput()
        setTimer()
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
            }
        }
    }

    private func watch(_ client: Client) {
        guard let token = client.token else { return }
        let wanted: Poller.Readiness = client.output.isEmpty && !client.isPastItsTurn ? .readable : .writable
        try? loop.rewatch(client.socket, token, for: wanted)
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

    private func deadline(_ client: Client) -> Int64 {
        if let began = client.exchangeBegan { return began + bounds.exchange }
        return client.lastActive + bounds.idle
    }

    private func setTimer() {
        guard let timer else { return }
        var next = clients.values.map { deadline($0) }.min()
        if isHeld { next = min(next ?? .max, clock.monotonic() + 1_000_000_000) }
        deadlines.set(timer, at: next)
    }

    private func dropLate(_ now: Int64) {
        for (number, client) in clients where deadline(client) <= now { drop(number) }
        if isHeld {
            isHeld = false
            token = try? loop.watch(listener) { [weak self] _ in self?.accept() }
            isHeld = token == nil
        }
        setTimer()
    }
}
