/// Runs the `async` sources of caches, each on the thread that asks, which waits for it.
enum AsyncSource {
    /// Executors that no source has at the moment; a handful, for ever.
    private static let idle = Guarded<[RoutineExecutor]>([])
    /// The executors of the sources that a task is a part of, with what it has begun.
    private static let sources = TaskLocal<[ObjectIdentifier]>(wrappedValue: [])

    /// For how many tenths of a second a source may do nothing while it keeps the main actor from its jobs.
    private static let patience = 10

    /// The value that `body` makes. Its task is cancelled when the host asks the routine to stop.
    ///
    /// On the main actor's own thread nothing else of the main actor can run meanwhile. Throws if the source seems to wait for
    /// that, since it would wait for ever.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let executor = idle.withLock { $0.popLast() } ?? RoutineExecutor()
        let made = Guarded<Value?>(nil)
        let scheduler = Scheduler.current
        let holdsMainActor = MainActorExecutor.isThisThread
        let load = CurrentScheduler.making.map { making in
            RoutineExecutor.Load(binding: making.binding, key: making.key) { made.withLock { $0 }.map { TypedBox($0) } }
        }
        let identifier = ObjectIdentifier(executor)
        do {
            try executor.run(
                cancelled: false, load: load,
                whileIdle: { calls in
                    if scheduler?.stopRequested == true { executor.cancel() }
                    if holdsMainActor, calls >= patience, MainActorExecutor.hasJobs { throw HeldMainActor() }
                },
                {
                    let value = try await sources.withValue(sources.get() + [identifier]) { try await body() }
                    made.withLock { $0 = value }
                })
        } catch let error as HeldMainActor {
            executor.cancel()
            executor.finishElsewhere { keep(executor) }
            throw Failure(error.description)
        } catch {
            keep(executor)
            throw error
        }
        keep(executor)
        guard let value = made.withLock({ $0 }) else { throw CancellationError() }
        return value
    }

    private static func keep(_ executor: RoutineExecutor) {
        executor.reset()
        idle.withLock { $0.append(executor) }
    }

    /// The value of a cache for a job that this thread runs while it waits for just that value. Nil if it does not, and if the one
    /// who asks is a part of the source: that would wait for itself.
    static func share(_ binding: CacheBinding, _ key: String) throws -> ValueBox? {
        let own = sources.get()
        return try RoutineExecutor.share(binding, key) { own.contains(ObjectIdentifier($0)) }
    }

    private struct HeldMainActor: Error {
        let description =
            "an async source that was asked on the main actor waits for the main actor, which waits for it: ask this cache "
            + "outside of the main actor, and hand the value over"
    }
}
