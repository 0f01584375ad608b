internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A worker at the other end of a socket: what it asks, what it is answered, and the loads that it performs for all hosts.
///
/// One thread at a time reads; any thread answers.
final class SharedPeer: Sendable {
    /// A load in progress.
    struct Load: Equatable {
        /// What the store is being asked about it.
        enum Asked: Equatable {
            case nothing
            /// A sign of life is on its way, which gives the record another version.
            case touch
            /// Its end is.
            case end
        }

        /// The number of the worker's request that began it.
        var request: UInt64
        /// The version with which it began, what the store's clock showed then, and when that was by this machine's.
        var begun: UInt64
        var clockMs: Int64
        var sent: BootTime
        var answered: BootTime
        /// The version of its record now.
        var current: UInt64
        var asked = Asked.nothing
    }

    /// Whether a load can end.
    enum Ending {
        case ready(Load)
        /// It is over, or was another one.
        case other
        /// A sign of life has been on its way all the time.
        case late
    }

    /// What a worker has told of its loads.
    struct Sign {
        /// The last request that it had made by then.
        var last: UInt64
        /// The requests that began the loads that it performs.
        var performed: Set<UInt64>

        /// Whether the load is one that nobody performs.
        func disowns(_ load: Load) -> Bool { load.request <= last && !performed.contains(load.request) }
    }

    private struct Loads {
        var all: [SharedKey: Load] = [:]
        /// What the worker told last; nil before.
        var sign: Sign?
        /// Whether the worker is gone.
        var isGone = false

        /// Whether the load is one that nobody performs.
        func disown(_ load: Load) -> Bool { isGone || sign?.disowns(load) == true }
    }

    /// What came of reading.
    struct Heard {
        var requests: [(id: UInt64, request: SharedRequest)] = []
        /// Whether the worker is gone, or has sent what is no request.
        var isOver = false
    }

    private struct Output {
        var waiting = WaitingOutput()
        var isOver = false
    }

    /// So many bytes of readings wait for a worker at most, but for a single one; of those that come then it hears that it is
    /// to ask again.
    private static let mostOutput = 64 << 20
    /// A worker for which so many more bytes of other answers wait does not read them.
    private static let mostPlain = 1 << 20

    let token: UInt64
    /// The worker by the supervisor's number, if that is known, and how long it lets a call to the store take, in ms.
    let worker: Int?
    let timeoutMs: UInt64
    let names: SharedNames
    /// What its plugin has put into the store.
    let account: SharedAccount
    private let socket: PassedDescriptor
    private let splitter: Mutex<FrameSplitter>
    private let output = Mutex(Output())
    private let loads = Monitor(Loads())

    /// A worker that was given that access. It may send values of `longest` bytes.
    init(_ socket: PassedDescriptor, _ access: SharedAccess, token: UInt64, longest: Int, account: SharedAccount)
        throws(SystemError)
    {
        self.socket = socket
        self.account = account
        self.token = token
        worker = access.worker
        timeoutMs = access.timeoutMs
        names = SharedNames(access)
        splitter = Mutex(FrameSplitter(longest: longest + SharedFrame.longestPlain))
        try socket.descriptor.setNonBlocking()
    }

    /// Watches for requests. Each event is reported once, and to one thread: then `listen` watches again.
    func watch(by poller: borrowing Poller) throws(SystemError) {
        try poller.add(socket.descriptor, for: [.readable, .once], token: token)
    }

    /// Watches for more, after an event. Until the worker has read its answers it is not heard.
    func listen(by poller: borrowing Poller) {
        output.withLock { output in
            let isHeard = output.waiting.isEmpty || output.isOver
            try? poller.modify(socket.descriptor, for: [isHeard ? .readable : .writable, .once], token: token)
        }
    }

    // MARK: Requests

    /// Reads what has come.
    func hear() -> Heard {
        splitter.withLock { splitter in
            var heard = Heard()
            do {
                guard let more = try socket.descriptor.receive(atMost: splitter.share)
                else { return heard }
                heard.isOver = more.isEmpty
                splitter.add(more)
                while let frame = try splitter.next() {
                    guard let request = SharedFrame.request(frame) else { throw FrameSplitter.Nonsense() }
                    heard.requests.append((request.id, request.request.checked))
                }
            } catch {
                heard.isOver = true
            }
            return heard
        }
    }

    // MARK: Answers

    /// Sends an answer, or keeps it until there is room.
    func answer(_ id: UInt64, _ reply: SharedReply, watchingBy poller: borrowing Poller) {
        var frame = SharedFrame.encode(reply, id: id)
        output.withLock { output in
            guard !output.isOver else { return }
            let wasEmpty = output.waiting.isEmpty
            // The values that were asked for at once may be more together than one may be.
            if case .reading = reply, !wasEmpty, output.waiting.count + frame.count > Self.mostOutput {
                frame = SharedFrame.encode(.answer(.full), id: id)
            }
            output.waiting.add(frame)
            send(&output)
            if output.waiting.count > SharedFrame.longest + Self.mostPlain { end(&output) }
            if wasEmpty, !output.waiting.isEmpty, !output.isOver {
                try? poller.modify(socket.descriptor, for: [.writable, .once], token: token)
            }
        }
    }

    /// There is room for more answers. `listen` is to follow.
    func flush() {
        output.withLock { output in
            if !output.isOver { send(&output) }
        }
    }

    private func send(_ output: inout Output) {
        while !output.waiting.isEmpty {
            let sent = try? socket.descriptor.send(output.waiting.bytes, from: output.waiting.start)
            guard let sent else { return end(&output) }
            if sent == 0 { return }
            output.waiting.took(sent)
        }
    }

    private func end(_ output: inout Output) {
        output.isOver = true
        output.waiting.removeAll()
        socket.descriptor.shutDown()
    }

    /// The worker has another connection: this one ends as if the worker had ended it.
    func leave() { output.withLock { output in end(&output) } }

    /// Ends the connection.
    func end(watchedBy poller: borrowing Poller) {
        poller.remove(socket.descriptor)
        output.withLock { output in end(&output) }
    }

    // MARK: Loads

    /// A load has begun. False if nobody performs it: the worker is gone, or did not wait for the answer. Then its record is to
    /// be deleted.
    func began(_ key: SharedKey, _ load: Load) -> Bool {
        loads.withLock { loads in
            if loads.disown(load) { return false }
            loads.all[key] = load
            return true
        }
    }

    /// The load of a key, which is to end, if it is the one that began so. A sign of life that is on its way comes first.
    func ending(_ key: SharedKey, begun: UInt64, until deadline: MonotonicTime) -> Ending {
        let ending = loads.wait(until: deadline) { loads -> Ending? in
            guard let load = loads.all[key], load.begun == begun else { return .other }
            if load.asked == .touch { return nil }
            loads.all[key]?.asked = .end
            return .ready(load)
        }
        return ending ?? .late
    }

    /// The load of a key is over; or, if nobody knows whether its record is gone, the worker's next sign of life deletes it.
    func ended(_ key: SharedKey, begun: UInt64, isKnown: Bool) {
        loads.withLock { loads in
            guard loads.all[key]?.begun == begun else { return }
            if isKnown { loads.all[key] = nil } else { loads.all[key]?.asked = .nothing }
        }
    }

    /// Takes a sign of life: the loads whose records are about to be written anew, and those that nobody performs, which are
    /// taken out since their records are to be deleted.
    func touching(_ sign: Sign) -> (live: [(key: SharedKey, load: Load)], dead: [(key: SharedKey, load: Load)]) {
        loads.withLock { loads in
            // Several threads take signs, maybe not in order.
            if sign.last >= loads.sign?.last ?? 0 { loads.sign = sign }
            let idle = loads.all.filter { $0.value.asked == .nothing }.map { (key: $0.key, load: $0.value) }
            let dead = idle.filter { sign.disowns($0.load) }
            for one in dead { loads.all[one.key] = nil }
            let live = idle.filter { !sign.disowns($0.load) }
            for one in live { loads.all[one.key]?.asked = .touch }
            return (live, dead)
        }
    }

    /// The record was written anew, with that version; nil: nobody knows. `isLost`: it is another one's. The load is returned
    /// if its record is to be deleted, since by now nobody performs it.
    func touched(_ key: SharedKey, begun: UInt64, current: UInt64?, isLost: Bool) -> Load? {
        defer { loads.broadcast() }
        return loads.withLock { loads -> Load? in
            guard var load = loads.all[key], load.begun == begun else { return nil }
            load.asked = .nothing
            load.current = current ?? load.current
            let isOver = loads.disown(load)
            loads.all[key] = isLost || isOver ? nil : load
            return isOver && !isLost ? load : nil
        }
    }

    /// The worker is gone. Returns the loads whose records are to be deleted; those of which a sign of life or an end is on
    /// its way are not among them.
    func takeLoads() -> [(key: SharedKey, load: Load)] {
        loads.withLock { loads in
            loads.isGone = true
            let idle = loads.all.filter { $0.value.asked == .nothing }.map { (key: $0.key, load: $0.value) }
            for one in idle { loads.all[one.key] = nil }
            return idle
        }
    }
}
