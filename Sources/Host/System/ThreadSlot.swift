internal import Glibc

/// A thread-local pointer, initially nil. pthread_getspecific(3): an access takes a few nanoseconds and does not
/// allocate.
@safe public struct ThreadSlot: Sendable {
    private let key: pthread_key_t

    /// Makes a slot. A process can have about a thousand of them.
    public init() {
        var key = pthread_key_t()
        let number = unsafe pthread_key_create(&key, nil)
        precondition(number == 0, "the host makes a handful of thread slots")
        self.key = key
    }

    /// Makes a slot that calls `release` with a thread's pointer when that thread ends, unless the pointer is nil.
    public init(release: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void) {
        var key = pthread_key_t()
        let number = unsafe pthread_key_create(&key, release)
        precondition(number == 0, "the host makes a handful of thread slots")
        self.key = key
    }

    /// The calling thread's pointer.
    @inline(__always)
    public var pointer: UnsafeMutableRawPointer? { unsafe pthread_getspecific(key) }

    /// Sets the calling thread's pointer.
    public func set(_ pointer: UnsafeMutableRawPointer?) { _ = unsafe pthread_setspecific(key, pointer) }
}
