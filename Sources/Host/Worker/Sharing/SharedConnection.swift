internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// One socket to the store's worker, until its end. Frames go out whole, one after the other; whoever waits for an answer
/// takes turns in reading them.
final class SharedConnection: Sendable {
    /// The socket cannot be used any more.
    struct Broken: Error {}

    private let socket: PassedDescriptor
    private let sending = Mutex(())
    private let splitter: Mutex<FrameSplitter>

    /// Takes a socket. A send gives up after so many ms.
    init(_ socket: PassedDescriptor, timeoutMs: Int32) throws(SystemError) {
        self.socket = socket
        try socket.descriptor.setTimeout(milliseconds: timeoutMs)
        splitter = Mutex(FrameSplitter(longest: SharedFrame.longest))
    }

    /// Sends a frame, within its time.
    func send(_ frame: [UInt8], until isOver: () -> Bool) throws(Broken) {
        let isSent = sending.withLock { _ in
            var sent = 0
            while sent < frame.count {
                if sent > 0, isOver() { return false }
                let count = unsafe frame.withUnsafeBytes { bytes in
                    try? unsafe socket.descriptor.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]), wait: true)
                }
                guard let count else { return false }
                sent += count
            }
            return true
        }
        if !isSent { throw Broken() }
    }

    /// Sends a small frame if that takes no time. False where there is no room for it, or while others send.
    func sendAtOnce(_ frame: [UInt8]) throws(Broken) -> Bool {
        let sent = sending.withLockIfAvailable { _ in
            unsafe frame.withUnsafeBytes { bytes in (try? unsafe socket.descriptor.send(bytes, wait: false)) ?? 0 }
        }
        guard let sent, sent > 0 else { return false }
        if sent != frame.count { throw Broken() }
        return true
    }

    /// Waits at most so many ms for answers; returns those that are whole. One thread at a time calls it.
    func receive(milliseconds: Int32) throws(Broken) -> [(id: UInt64, reply: SharedReply)] {
        do {
            guard try socket.descriptor.waitUntilReadable(milliseconds: milliseconds) else { return [] }
            return try splitter.withLock { splitter in
                let more = try socket.descriptor.receive(atMost: splitter.share)
                guard let more else { return [] }
                if more.isEmpty { throw Broken() }
                splitter.add(more)
                var replies: [(id: UInt64, reply: SharedReply)] = []
                while let frame = try splitter.next() {
                    guard let reply = SharedFrame.reply(frame) else { throw Broken() }
                    replies.append(reply)
                }
                return replies
            }
        } catch {
            throw Broken()
        }
    }

    /// Ends it, also for who waits.
    func end() { socket.descriptor.shutDown() }
}
