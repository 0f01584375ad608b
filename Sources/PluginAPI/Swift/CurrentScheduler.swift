internal import CPluginAPI
internal import Glibc

/// The scheduler of the callback that runs on this thread, so that a cache declared outside of a routine finds its
/// routine. pthread_setspecific(3): two nanoseconds, where a task local would allocate.
@safe enum CurrentScheduler {
    @safe private struct Frame {
        let scheduler: Scheduler
        let borrowed: Borrowed
        /// Whether it is a cache's source that runs, within a callback or on another thread.
        let isSource: Bool
        /// What that source makes, on the stack of the one who has set it.
        let making: UnsafePointer<Making>?
    }

    /// The value of a cache that a source makes.
    struct Making {
        let binding: CacheBinding
        let key: String
    }

    /// The current one without a reference of its own; good until the callback returns.
    @safe struct Borrowed {
        let context: Unmanaged<CallbackContext>
        let pointer: UnsafePointer<schedhost_scheduler>
    }

    /// nil only when the process has used up its keys.
    static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return unsafe pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    /// Makes `scheduler` the current one while `body` runs on this thread: a callback, or a cache's source.
    static func set<Result>(_ scheduler: Scheduler, isSource: Bool = false, _ body: () -> Result) -> Result {
        unsafe set(scheduler, isSource: isSource, making: nil, body)
    }

    /// The same while the source of a cache runs.
    static func set<Result>(_ scheduler: Scheduler, making: Making, _ body: () -> Result) -> Result {
        unsafe withUnsafePointer(to: making) { unsafe set(scheduler, isSource: true, making: $0, body) }
    }

    @inline(__always)
    private static func set<Result>(
        _ scheduler: Scheduler, isSource: Bool, making: UnsafePointer<Making>?, _ body: () -> Result
    ) -> Result {
        guard let key else { return body() }
        var frame = unsafe Frame(
            scheduler: scheduler,
            borrowed: Borrowed(context: .passUnretained(scheduler.context), pointer: scheduler.pointer),
            isSource: isSource, making: making)
        let outer = unsafe pthread_getspecific(key)
        return unsafe withUnsafeMutablePointer(to: &frame) { frame in
            unsafe pthread_setspecific(key, frame)
            defer { unsafe pthread_setspecific(key, outer) }
            return body()
        }
    }

    /// The current one, for the length of the callback in progress; nil outside of one. `key` is the one above, which the
    /// caller has kept: to ask whether it is made already takes longer than to ask for the scheduler.
    @inline(__always)
    static func borrowed(_ key: pthread_key_t?) -> Borrowed? {
        guard let key, let frame = unsafe pthread_getspecific(key) else { return nil }
        return unsafe frame.assumingMemoryBound(to: Frame.self).pointee.borrowed
    }

    /// The current one; nil outside of a callback.
    static var scheduler: Scheduler? {
        guard let key, let frame = unsafe pthread_getspecific(key) else { return nil }
        return unsafe frame.assumingMemoryBound(to: Frame.self).pointee.scheduler
    }

    /// What the source makes that runs on this thread; nil if none does.
    static var making: Making? {
        guard let key, let frame = unsafe pthread_getspecific(key) else { return nil }
        return unsafe frame.assumingMemoryBound(to: Frame.self).pointee.making?.pointee
    }

    /// Whether the host itself keeps what it answers to that scheduler on this thread, until the callback or the source
    /// returns. Otherwise the answer comes pinned. A source has everything kept; a callback only what its own scheduler asks for.
    static func isKept(for scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
        guard let key, let frame = unsafe pthread_getspecific(key) else { return false }
        let current = unsafe frame.assumingMemoryBound(to: Frame.self)
        return unsafe current.pointee.isSource || current.pointee.borrowed.pointer == scheduler
    }
}
