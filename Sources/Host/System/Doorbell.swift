internal import CHostSystem
internal import Glibc

/// Wakes a thread that waits for descriptors, from any other thread. eventfd(2).
public struct Doorbell: ~Copyable, Sendable {
    /// Readable from a `ring` until the next `hush`.
    public let descriptor: Descriptor

    /// Makes a doorbell that has not been rung.
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("eventfd", "doorbell") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }

    /// Makes the descriptor readable. May be called from any thread; never waits.
    public func ring() { Self.ring(descriptor.raw) }

    /// Rings the doorbell with that descriptor. The caller guarantees that it is still open.
    public static func ring(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(descriptor, &one, 8)  // EAGAIN: it is readable already
    }

    /// Makes the descriptor unreadable again. Returns whether it had been rung since the last call.
    @discardableResult
    public func hush() -> Bool {
        var count: UInt64 = 0
        return unsafe Glibc.read(descriptor.raw, &count, 8) == 8
    }
}
