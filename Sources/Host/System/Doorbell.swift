internal import CHostSystem
internal import Glibc

/// Wakes a thread that waits for descriptors. eventfd(2).
public struct Doorbell: ~Copyable, Sendable {
    /// Readable after a ring.
    public let descriptor: Descriptor

    /// A silent one.
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("eventfd", "doorbell") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }

    /// Makes it readable. Any thread; never waits.
    public func ring() { Self.ring(descriptor.raw) }

    /// Rings the one of that descriptor, which the caller knows to live.
    public static func ring(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor, &one, 8)  // EAGAIN: it rings already
    }

    /// Makes it silent.
    public func hush() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor.raw, &count, 8)
    }
}
