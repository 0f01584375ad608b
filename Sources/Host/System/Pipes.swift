internal import CHostSystem
internal import Glibc

/// Two connected ends, which may be taken apart.
@frozen public struct DescriptorPair: ~Copyable {
    /// Ours; for a pipe the end that reads.
    public let first: Descriptor
    /// The other side's; for a pipe the end that writes.
    public let second: Descriptor

    private init(first: consuming Descriptor, second: consuming Descriptor) {
        self.first = first
        self.second = second
    }

    /// A stream in both directions. socketpair(2).
    public static func socket() throws(SystemError) -> DescriptorPair {
        unsafe try make("socketpair") { numbers in
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, numbers)
        }
    }

    /// A stream in one direction. pipe2(2).
    public static func pipe() throws(SystemError) -> DescriptorPair {
        unsafe try make("pipe2") { numbers in unsafe chs_pipe2(numbers, O_CLOEXEC) }
    }

    private static func make(_ call: String, _ body: (UnsafeMutablePointer<Int32>) -> Int32)
        throws(SystemError) -> DescriptorPair
    {
        var numbers: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &numbers) { bytes in
            unsafe body(bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Int32.self))
        }
        if result != 0 { throw SystemError(call, "pair of descriptors") }
        return DescriptorPair(first: Descriptor(owning: numbers.0), second: Descriptor(owning: numbers.1))
    }
}

extension Descriptor {
    /// A file without a name, in memory. memfd_create(2).
    public static func memory(_ name: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("memfd_create", name) { unsafe chs_memfd_create(name) })
    }

    /// Sends to a socket without waiting and without SIGPIPE; returns how many bytes went. send(2).
    public func send(_ bytes: UnsafeRawBufferPointer, wait: Bool) throws(SystemError) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (wait ? 0 : Int32(MSG_DONTWAIT))
        return try retrying("send", "channel") { unsafe Glibc.send(raw, bytes.baseAddress, bytes.count, flags) }
    }

    /// Receives from a socket without waiting; 0 at the end. recv(2).
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try retrying("recv", "channel") {
            unsafe recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
    }
}
