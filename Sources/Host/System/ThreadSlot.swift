internal import Glibc

/// One pointer a thread, nil at first. pthread_getspecific(3): a few nanoseconds, and no allocation.
@safe public struct ThreadSlot: Sendable {
    private let key: pthread_key_t

    /// A slot of its own; there may be about a thousand in a process.
    public init() {
        var key = pthread_key_t()
        let number = unsafe pthread_key_create(&key, nil)
        precondition(number == 0, "the host makes a handful of thread slots")
        self.key = key
    }

    /// The same, with what is called, on a thread that ends, with its pointer.
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
