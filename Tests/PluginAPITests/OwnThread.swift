import Dispatch
import Glibc
import Testing

/// A closure on its way to a thread.
private final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Runs `body` on a thread of its own, as a host would, so that it may block: the concurrency pool's threads may not.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        startThread { continuation.resume(returning: body()) }
    }
}

/// Runs `body` on another thread, and waits for it.
func waitForThread(_ body: @escaping @Sendable () throws -> Void) {
    let isOver = DispatchSemaphore(value: 0)
    startThread {
        #expect(throws: Never.self) { try body() }
        isOver.signal()
    }
    isOver.wait()
}

/// Starts a detached thread. pthread_create(3).
func startThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let start = unsafe Unmanaged.passRetained(Start(body)).toOpaque()
    let code = unsafe pthread_create(
        &thread, nil,
        { start in
            unsafe Unmanaged<Start>.fromOpaque(there(start)).takeRetainedValue().body()
            return nil
        }, unsafe start)
    precondition(code == 0)
    pthread_detach(thread)
}
