/// Runs the `async` sources of caches, each on the thread that asks, which waits for it.
enum AsyncSource {
    /// Executors that no source has at the moment; a handful, for ever.
    private static let idle = Guarded<[RoutineExecutor]>([])

    /// The value that `body` makes. Its task is cancelled when the host asks the routine to stop.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let executor = idle.withLock { $0.popLast() } ?? RoutineExecutor()
        defer {
            executor.reset()
            idle.withLock { $0.append(executor) }
        }
        let made = Guarded<Value?>(nil)
        let scheduler = Scheduler.current
        try executor.run(cancelled: false, askedToStop: { scheduler?.stopRequested == true }) {
            let value = try await body()
            made.withLock { $0 = value }
        }
        guard let value = made.withLock({ $0 }) else { throw CancellationError() }
        return value
    }
}
