import CPluginAPI
import Glibc
import PluginAPI
import Synchronization
import Testing

private actor Tally {
    var value = 0
    func add() -> Int {
        value += 1
        return value
    }
}

private struct Broken: Error {}

@Suite struct AsyncTests {
    /// Runs the first cycles of a session on a thread; their codes.
    private func cycles(_ count: Int = 1, of plugin: Plugin, by host: FakeHost) async -> [Int32] {
        await onOwnThread {
            let routine = unsafe plugin.routines[0]
            guard unsafe host.call(routine.pointee.start, routine) == 0 else { return [] }
            return (0..<count).map { _ in unsafe host.run(routine) }
        }
    }

    private func plugin(_ run: @escaping Routine.AsyncBody) -> Plugin {
        Plugin("async", version: "1") { Routine("r", wait: .zero, run: run) }
    }

    @MainActor private static var seen: [UInt] = []

    @Test func theMainActorIsServedOnOneThreadThatIsNotTheRoutines() async {
        let host = FakeHost()
        let own = UncheckedBox<UInt>(0)
        let first = plugin { _ in
            own.value = UInt(pthread_self())
            for _ in 0..<3 { await MainActor.run { Self.seen.append(UInt(pthread_self())) } }
            // After a wait it goes on there as well, and a task of its own does.
            await Task { @MainActor in
                await Task.yield()
                MainActor.assertIsolated()
                Self.seen.append(UInt(pthread_self()))
            }.value
        }
        #expect(await cycles(of: first, by: host) == [0])
        let seen = await Self.seen
        #expect(seen.count == 4 && Set(seen).count == 1 && seen.first != own.value, "\(seen)")
    }

    @Test func runsOnTheRoutinesThread() async {
        let host = FakeHost()
        let tally = Tally()
        let plugin = plugin { scheduler in
            let thread = UInt(pthread_self())
            _ = await tally.add()
            await Task.detached { await Task.yield() }.value
            await withTaskGroup { group in
                for _ in 0..<3 {
                    group.addTask {
                        #expect(UInt(pthread_self()) == thread)
                        #expect(Scheduler.current?.cycle == scheduler.cycle)
                        _ = await tally.add()
                    }
                }
            }
            #expect(UInt(pthread_self()) == thread)
            let sum = await tally.value
            scheduler.log.info("sum \(sum)")
        }
        #expect(await cycles(2, of: plugin, by: host) == [0, 0])
        #expect(host.lines.map(\.text) == ["sum 4", "sum 8"])
    }

    // MARK: Sources

    /// The same, or nothing if they take half a minute: a hang is to be a failure of one test, and not the end of all.
    private func cyclesOrNone(_ count: Int = 1, of plugin: Plugin, by host: FakeHost) async -> [Int32]? {
        await withCheckedContinuation { continuation in
            let isOver = Mutex(false)
            let box = UncheckedBox(continuation)
            @Sendable func end(_ codes: [Int32]?) {
                let isFirst = isOver.withLock { isOver in
                    defer { isOver = true }
                    return !isOver
                }
                if isFirst { box.value.resume(returning: codes) }
            }
            startThread {
                let routine = unsafe plugin.routines[0]
                guard unsafe host.call(routine.pointee.start, routine) == 0 else { return end([]) }
                end((0..<count).map { _ in unsafe host.run(routine) })
            }
            startThread {
                for _ in 0..<300 where !isOver.withLock({ $0 }) { usleep(100_000) }
                end(nil)
            }
        }
    }

    @Test func aSourceMayWaitForTheJobsOfTheCycleThatAsks() async {
        let host = FakeHost()
        let tally = Tally()
        let (stream, feed) = AsyncStream.makeStream(of: Int.self)
        let own = UncheckedBox<[UInt]>([])
        let ofActor = CacheMemory("actor", expire: .zero) { () async throws -> Int in await tally.add() }
        let ofStream = CacheMemory("stream", expire: .zero) { () async throws -> Int in
            for await value in stream { return value }
            return 0
        }
        let within = CacheMemory("within", expire: .zero) { () async throws -> Int in
            async let added = tally.add()
            let streamed = try ofStream()
            return await added + streamed
        }
        let plugin = plugin { scheduler in
            own.value = [UInt(pthread_self())]
            host.now += 1
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The actor is called before the cache: its job waits for the thread on which the source is awaited.
                group.addTask { _ = await tally.add() }
                group.addTask { _ = try ofActor() }
                group.addTask { _ = try within() }
                group.addTask {
                    own.value.append(UInt(pthread_self()))
                    #expect(Scheduler.current?.cycle == scheduler.cycle)
                    feed.yield(5)
                }
                try await group.waitForAll()
            }
            scheduler.log.info("\(Set(own.value).count) thread")
        }
        #expect(await cyclesOrNone(3, of: plugin, by: host) == [0, 0, 0], "\(host.failures)")
        #expect(host.lines.map(\.text) == ["1 thread", "1 thread", "1 thread"])
        #expect(host.memoryCaches["actor"]?.loads == 3 && host.memoryCaches["within"]?.loads == 3)
    }

    @Test func jobsThatAskForTheSameValueShareIt() async {
        let host = FakeHost()
        let slow = CacheMemory("slow", expire: .seconds(60)) { (key: String) async throws -> String in
            try await Task.sleep(for: .milliseconds(20))
            if key == "bad" { throw Broken() }
            return key + "!"
        }
        let plugin = plugin { scheduler in
            let values = try await withThrowingTaskGroup(of: String.self) { group in
                // More than are run within each other.
                for number in 0..<200 { group.addTask { try slow(key: "\(number % 2)") } }
                group.addTask { try slow.answer(key: "0").value }
                for _ in 0..<2 {
                    group.addTask {
                        do { return try slow(key: "bad") } catch is Broken { return "broken" }
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            scheduler.log.info("\(values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
        }
        #expect(await cyclesOrNone(of: plugin, by: host) == [0], "\(host.failures)")
        #expect(host.lines.map(\.text) == [#"["0! 101", "1! 100", "broken 2"]"#])
        #expect(host.memoryCaches["slow"]?.loads == 3)
    }

    private static let circle = CacheMemory("circle", expire: .zero) { () async throws -> Int in
        async let own = around()
        return try await own
    }

    private static func around() async throws -> Int { try circle() }

    @Test func aSourceThatAsksForItselfIsStillToldSo() async {
        let host = FakeHost()
        let plugin = plugin { _ in
            let error = #expect(throws: CacheError.self) { try Self.circle() }
            #expect(error?.code == Int32(SCHEDHOST_REENTRANT))
        }
        #expect(await cyclesOrNone(of: plugin, by: host) == [0])
    }

    @Test func thrownErrorBecomesACode() async {
        let host = FakeHost()
        let plugin = plugin { _ in
            await Task.yield()
            throw Failure(code: 9, "nine")
        }
        #expect(await cycles(of: plugin, by: host) == [9])
        #expect(host.failures == ["nine"])
    }

    @Test func interruptCancels() async {
        let host = FakeHost()
        let box = UncheckedBox<Plugin?>(nil)
        let plugin = plugin { scheduler in
            guard let plugin = box.value else { return #expect(!Task.isCancelled) }
            let address = unsafe UInt(bitPattern: scheduler.pointer)
            // From another thread, while this cycle waits for what never comes by itself.
            startThread {
                let routine = unsafe plugin.routines[0]
                unsafe routine.pointee.interrupt?(UnsafePointer(bitPattern: address), routine.pointee.user)
            }
            try await Task.sleep(for: .seconds(86_400))
        }
        box.value = plugin
        #expect(await cycles(of: plugin, by: host) == [0])
        #expect(host.failures == [])
        box.value = nil  // the next session is not cancelled
        #expect(await cycles(of: plugin, by: host) == [0])
    }

    @Test func cancelledBeforeItBegins() async {
        let host = FakeHost()
        host.stopRequested = true
        let plugin = plugin { _ in
            #expect(Task.isCancelled)
            try Task.checkCancellation()
        }
        #expect(await cycles(of: plugin, by: host) == [0])
    }

    @Test func otherErrorsCountAlsoWhenStopping() async {
        let host = FakeHost()
        host.stopRequested = true
        #expect(await cycles(of: plugin { _ in throw Broken() }, by: host) == [1])
    }

    @Test func cancellationOfItsOwnIsAnError() async {
        let host = FakeHost()
        #expect(await cycles(of: plugin { _ in throw CancellationError() }, by: host) == [1])
        #expect(host.failures == ["CancellationError()"])
    }
}

/// A value that a test hands to another thread, with an order that it knows.
final class UncheckedBox<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}
