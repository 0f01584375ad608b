internal import CHostSystem
internal import Glibc

extension Descriptor {
    /// Sends to a Unix socket without waiting, at least one byte, together with a descriptor; returns the number of bytes
    /// sent. The receiver gets the descriptor with the first of them. sendmsg(2), `SCM_RIGHTS`.
    public func send(_ bytes: UnsafeRawBufferPointer, passing passed: Int32) throws(SystemError) -> Int {
        try retrying("sendmsg", "channel") { unsafe chs_send_descriptor(raw, bytes.baseAddress, bytes.count, passed) }
    }

    /// Receives from a Unix socket without waiting, with the descriptors that were passed; returns 0 at the end of the
    /// stream. recvmsg(2).
    public func receive(into buffer: UnsafeMutableRawBufferPointer, _ take: (consuming Descriptor) -> Void)
        throws(SystemError) -> Int
    {
        var count: Int32 = 0
        return try unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: Int(CHS_PASSED)) {
            (passed) throws(SystemError) in
            let got = try retrying("recvmsg", "channel") {
                unsafe chs_receive_descriptors(raw, buffer.baseAddress, buffer.count, passed.baseAddress, &count)
            }
            for index in 0..<Int(count) { take(Descriptor(owning: unsafe passed[index])) }
            return got
        }
    }

    /// Waits until a socket has something to read, or its peer is gone, or until `milliseconds` are over; returns whether
    /// it has. poll(2).
    public func waitUntilReadable(milliseconds: Int32) throws(SystemError) -> Bool {
        var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return try retrying("poll", "socket") { unsafe poll(&entry, 1, milliseconds) } > 0
    }

    /// Lets sends and receives of a blocking socket give up after that time. setsockopt(2), `SO_SNDTIMEO`, `SO_RCVTIMEO`.
    public func setTimeout(milliseconds: Int32) throws(SystemError) {
        _ = try retrying("setsockopt", "socket") { chs_socket_timeout(raw, milliseconds) }
    }

    /// Ends a connection for both directions, also for who waits in it. shutdown(2).
    public func shutDown() { _ = shutdown(raw, Int32(SHUT_RDWR)) }
}

extension DescriptorPair {
    /// Both ends, each for another process.
    public consuming func passed() -> (PassedDescriptor, PassedDescriptor) {
        (PassedDescriptor(first), PassedDescriptor(second))
    }
}

/// A descriptor on its way into another process: a reference to it, since it waits until the channel has room.
public final class PassedDescriptor: Sendable {
    /// The descriptor, which is closed here when nothing refers to this any more.
    public let descriptor: Descriptor

    /// Takes a descriptor.
    public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
