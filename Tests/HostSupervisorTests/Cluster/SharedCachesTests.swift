import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Which workers get a way to the store of shared caches, and when.
@Suite struct SharedCachesTests {
    private let harness = BookHarness()
    private static let worker = WorkerID(number: 7)

    private func caches(_ cluster: String) throws -> SharedCaches {
        let host = try HostConfiguration(parsing: Array("{ cluster: { \(cluster) } }".utf8), file: "F")
        let settings = try #require(host.cluster)
        let store = StoreWorker(
            settings.cacheStore, lease: 6_000_000_000, clock: harness.clock, deadlines: harness.deadlines)
        return SharedCaches(settings, store, clock: harness.clock, log: harness.log)
    }

    /// Both hear of each plugin, as from the supervisor.
    private func ready(_ program: Program, _ caches: SharedCaches) {
        caches.store.ready(program)
        caches.ready(program)
    }

    private func connection(_ plugin: String, routine: String? = nil, store: Int) -> SharedCaches.Connection {
        SharedCaches.Connection(
            worker: Self.worker, plugin: 1,
            access: SharedAccess(
                prefix: "schedhost/n/", plugin: plugin, routine: routine, worker: 7, links: 2, timeoutMs: 250),
            store: .store(store))
    }

    @Test func aPluginIsConnectedWhenTheStoreIsThere() throws {
        let caches = try caches("store: 's', name: 'n'")
        ready(BookHarness.program(1, "p"), caches)
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take().isEmpty)
        ready(BookHarness.program(2, "s"), caches)
        caches.store.loaded(.store(3))
        #expect(caches.take().isEmpty, "that is another one")
        caches.store.loaded(.store(2))
        #expect(caches.take() == [connection("p", store: 2)])
        // It can ask as often as it likes.
        for _ in 0..<100 { caches.wants(Self.worker, plugin: 1, home: .plugin("p")) }
        #expect(caches.take().isEmpty)
        harness.clock.advance(1_000_000_000)
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take() == [connection("p", store: 2)])
        // The store's worker dies, and comes back.
        caches.store.died(.store(2))
        harness.deadlines.run(harness.clock, for: 1_000_000_000)
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take().isEmpty)
        caches.store.loaded(.store(2))
        #expect(caches.take() == [connection("p", store: 2)])
    }

    @Test func whatWasAskedOfTheStoreIsCountedWhateverItIsSaidToBeFor() throws {
        let caches = try caches("store: 's', name: 'n'")
        var (read, commit) = (StoreUse(.caches, .read), StoreUse(.leases, .commit))
        read.count(.done(version: 0), after: 1000)
        commit.count(.changed, after: 3000)
        caches.used([read, commit])
        caches.used([read])
        #expect(caches.uses.map(\.purpose) == [.caches, .caches] && caches.uses.map(\.operation) == [.read, .commit])
        #expect(caches.uses.map(\.done) == [2, 0] && caches.uses.map(\.changed) == [0, 1])
        #expect(caches.uses.map(\.totalNs) == [2000, 3000] && caches.uses.map(\.durations.total) == [2, 1])
    }

    @Test func aWorkerOfOneRoutineReachesThatRoutineOnly() throws {
        let caches = try caches("store: 's', name: 'n'")
        ready(BookHarness.program(1, "p"), caches)
        ready(BookHarness.program(2, "s"), caches)
        caches.store.loaded(.store(2))
        caches.wants(Self.worker, plugin: 1, home: .routine(plugin: "p", routine: "r"))
        #expect(caches.take() == [connection("p", routine: "r", store: 2)])
        // Nobody knows such a plugin.
        caches.wants(Self.worker, plugin: 9, home: .plugin("p"))
        #expect(caches.take().isEmpty)
    }

    @Test func aStoreOfItsOwnIsLoadedAndLookedAfter() throws {
        let caches = try caches("store: 's', cache_store: 'c', name: 'n'")
        ready(BookHarness.program(1, "p"), caches)
        ready(BookHarness.program(2, "s"), caches)
        #expect(caches.store.take().isEmpty && caches.store.key == nil)
        ready(BookHarness.program(3, "c"), caches)
        let load = try #require(caches.store.take().first)
        #expect(load.key == .store(3) && load.home == .plugin("c") && caches.store.key == .store(3))
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        for _ in 0..<2 {
            caches.store.failed(.store(3), "no memory")
            harness.deadlines.run(harness.clock, for: 1_000_000_000)
            #expect(caches.store.take() == [load], "it is tried again")
        }
        #expect(harness.log.entries.filter { $0.text.contains("cannot be loaded: no memory") }.count == 1)
        caches.store.loaded(.store(3))
        #expect(caches.take() == [connection("p", store: 3)])
        caches.store.retired(3)
        #expect(caches.store.key == nil)
        ready(BookHarness.program(3, "c"), caches)
        caches.store.stop()
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take().isEmpty && caches.store.take().isEmpty)
    }
}
