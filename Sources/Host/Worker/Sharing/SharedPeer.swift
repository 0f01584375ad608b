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
        /// The version with which it began, what the store's clock showed then, and when that was by this machine's.
        var begun: UInt64
        var clockMs: Int64
        var sent: BootTime
        var answered: BootTime
        /// The version of its record now.
        var current: UInt64
        /// Whether a sign of life is on its way, which gives the record another version.
        var isTouched = false
    }

    /// What came of reading.
    struct Heard {
        var requests: [(id: UInt64, request: SharedRequest)] = []
        /// Whether the worker is gone, or has sent what is no request.
        var isOver = false
    }

    private struct Output {
        var bytes: [UInt8] = []
        var isOver = false
    }

    /// A worker that has so much of answers waiting, in bytes, does not read them.
    private static let mostOutput = 64 << 20

    let token: UInt64
    let names: SharedNames
    /// What its plugin has put into the store.
    let account: SharedAccount
    private let socket: PassedDescriptor
    private let splitter: Mutex<FrameSplitter>
    private let output = Mutex(Output())
    private let loads = Monitor<[SharedKey: Load]>([:])

    /// A worker that was given that access. It may send values of `longest` bytes.
    init(_ socket: PassedDescriptor, _ access: SharedAccess, token: UInt64, longest: Int, account: SharedAccount)
        throws(SystemError)
    {
        self.socket = socket
        self.account = account
        self.token = token
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
            let isHeard = output.bytes.isEmpty || output.isOver
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
                    heard.requests.append(request)
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
        let frame = SharedFrame.encode(reply, id: id)
        output.withLock { output in
            guard !output.isOver else { return }
            let wasEmpty = output.bytes.isEmpty
            output.bytes += frame
            send(&output)
            if output.bytes.count > Self.mostOutput { end(&output) }
            if wasEmpty, !output.bytes.isEmpty, !output.isOver {
                try? poller.modify(socket.descriptor, for: [.writable, .once], token: token)
            }
        }
    }

    /// There is room for more answers. `listen` is to follow.
    func flush() {
        output.withLock { output in
            if !output.bytes.isEmpty, !output.isOver { send(&output) }
        }
    }

    private func send(_ output: inout Output) {
        var sent = 0
        while sent < output.bytes.count {
            guard let count = try? socket.descriptor.send(output.bytes, from: sent) else { return end(&output) }
            if count == 0 { break }
            sent += count
        }
        if sent == output.bytes.count { output.bytes = [] } else { output.bytes.removeFirst(sent) }
    }

    private func end(_ output: inout Output) {
        output.isOver = true
        output.bytes = []
        socket.descriptor.shutDown()
    }

    /// Ends the connection.
    func end(watchedBy poller: borrowing Poller) {
        poller.remove(socket.descriptor)
        output.withLock { output in end(&output) }
    }

    // MARK: Loads

    /// A load has begun.
    func began(_ key: SharedKey, _ load: Load) { loads.withLock { $0[key] = load } }

    /// The load of a key that is to end, if it is the one that began so. A sign of life that is on its way comes first.
    func ending(_ key: SharedKey, begun: UInt64, until deadline: MonotonicTime) -> Load? {
        let load = loads.wait(until: deadline) { loads -> Load?? in
            guard let load = loads[key], load.begun == begun else { return .some(nil) }
            return load.isTouched ? nil : .some(load)
        }
        return load ?? nil
    }

    /// The load of a key is over.
    func ended(_ key: SharedKey, begun: UInt64) {
        loads.withLock { loads in if loads[key]?.begun == begun { loads[key] = nil } }
    }

    /// All loads, of which the record is about to be written anew.
    func touching() -> [(key: SharedKey, load: Load)] {
        loads.withLock { loads in
            let all = loads.filter { !$0.value.isTouched }.map { (key: $0.key, load: $0.value) }
            for one in all { loads[one.key]?.isTouched = true }
            return all
        }
    }

    /// The record was written anew, with that version; nil: nobody knows. `isLost`: it is another one's.
    func touched(_ key: SharedKey, begun: UInt64, current: UInt64?, isLost: Bool) {
        loads.withLock { loads in
            guard loads[key]?.begun == begun else { return }
            loads[key]?.isTouched = false
            if let current { loads[key]?.current = current }
            if isLost { loads[key] = nil }
        }
        loads.broadcast()
    }

    /// All loads, which nobody performs any more.
    func takeLoads() -> [(key: SharedKey, load: Load)] {
        loads.withLock { loads in
            defer { loads = [:] }
            return loads.map { (key: $0.key, load: $0.value) }
        }
    }
}
