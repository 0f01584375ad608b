internal import CHostSystem
internal import Glibc

/// Two connected descriptors, which may be consumed separately.
@frozen public struct DescriptorPair: ~Copyable {
    /// This process's end; for a pipe, the reading end.
    public let first: Descriptor
    /// The other process's end; for a pipe, the writing end.
    public let second: Descriptor

    private init(first: consuming Descriptor, second: consuming Descriptor) {
        self.first = first
        self.second = second
    }

    /// A connected pair of stream sockets. socketpair(2).
    public static func socket() throws(SystemError) -> DescriptorPair {
        unsafe try make("socketpair") { numbers in
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, numbers)
        }
    }

    /// A pipe. pipe2(2).
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
    /// An anonymous file in memory. memfd_create(2).
    public static func memory(_ name: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("memfd_create", name) { unsafe chs_memfd_create(name) })
    }

    /// A file in memory with that content, which nobody can change. memfd_create(2); fcntl(2), "File Sealing".
    public static func sealedMemory(_ name: String, _ content: [UInt8]) throws(SystemError) -> Descriptor {
        let file = Descriptor(owning: try retrying("memfd_create", name) { unsafe chs_sealable(name, 0) })
        try file.writeAll(content, subject: name)
        let number = file.raw
        _ = try retrying("fcntl", name) { chs_seal(number) }
        return file
    }

    /// Whether this is a file in memory that nobody can change any more. fcntl(2), "File Sealing".
    public var isSealed: Bool { chs_is_sealed(raw) != 0 }

    /// Sends to a socket without raising SIGPIPE; returns the number of bytes sent. With `wait` false it never blocks.
    /// send(2).
    public func send(_ bytes: UnsafeRawBufferPointer, wait: Bool) throws(SystemError) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (wait ? 0 : Int32(MSG_DONTWAIT))
        return try retrying("send", "channel") { unsafe Glibc.send(raw, bytes.baseAddress, bytes.count, flags) }
    }

    /// Receives from a socket without blocking; returns 0 at the end of the stream. recv(2).
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try retrying("recv", "channel") {
            unsafe recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
    }
}
