import HostSystem
import HostTestKit
import Synchronization
import Testing

@testable import HostStore

/// Which loads wait for which, so that none waits for itself.
@Suite("CacheWaits")
struct CacheWaitsTests {
    private static func load() -> CacheLoad {
        CacheLoad(CacheEntry(key: []), CacheFlight.Load(began: 0, epoch: 0), objects: false)
    }

    /// Two threads that act in turns, so that each step of one comes at a known place between those of the other.
    private final class Turns: Sendable {
        private let state = Monitor(0)

        func wait(for step: Int) { state.wait { $0 == step ? () : nil } }

        func end(_ step: Int) {
            state.withLock { $0 = step + 1 }
            state.broadcast()
        }
    }

    @Test(
        "a load waits for the thread that performs one that it waits for, until that one has ended",
        arguments: [true, false])
    func ended(_ isOver: Bool) throws {
        let (first, second) = (Self.load(), Self.load())
        let turns = Turns()
        // The other thread's load waits for this thread's one.
        let outer = CacheWaits.enter(first)
        try Thread.start(name: "test-other") {
            let outer = CacheWaits.enter(second)
            #expect(CacheWaits.begin(first))
            turns.end(0)
            // Here it is woken when the load has ended, and has not run yet.
            turns.wait(for: 2)
            CacheWaits.end()
            CacheWaits.leave(second, to: outer)
            turns.end(2)
        }
        turns.wait(for: 1)
        if isOver { CacheWaits.leave(first, to: outer) }
        #expect(CacheWaits.begin(second) == isOver)
        if isOver { CacheWaits.end() } else { CacheWaits.leave(first, to: outer) }
        turns.end(1)
        turns.wait(for: 3)
    }

    @Test("a load that nobody performs any more names no thread")
    func noThread() {
        let load = Self.load()
        let outer = CacheWaits.enter(load)
        #expect(load.thread.load(ordering: .relaxed) == Thread.current)
        CacheWaits.leave(load, to: outer)
        #expect(load.thread.load(ordering: .relaxed) == 0)
    }
}
