import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization

/// A store in memory, as the hosts of a cluster have it in common. Ages in it are exact, and so is the order of all changes.
final class MemoryStore: SharedStore {
    struct Load {
        var version: UInt64
        var begun: UInt64
        var failure: (SharedFailure, until: BootTime)?
    }

    struct State {
        var version: UInt64 = 0
        var values: [SharedKey: (version: UInt64, begun: UInt64, value: SharedValue)] = [:]
        var loads: [SharedKey: Load] = [:]
        /// What was asked, in order.
        var asked: [String] = []
        var isAway = false
        var hasAnswered = false
        var agesAreKnown = true
        /// What else happens before the next value is removed.
        var beforeDrop: (@Sendable () -> Void)?
        /// Is called once, before the next change.
        var before: (@Sendable (String) -> Void)?
    }

    let state = Monitor(State())
    let clock: any HostClock
    /// What it takes, and what is known of that before the first answer.
    private let longest: Int
    private let least: Int
    var longestValue: Int { state.withLock { $0.hasAnswered } ? longest : least }
    /// Is called instead of waiting.
    let onWait: @Sendable (MemoryStore, BootTime) -> Void

    init(
        _ clock: any HostClock, longestValue: Int = 1 << 20, least: Int? = nil,
        onWait: @escaping @Sendable (MemoryStore, BootTime) -> Void = { _, _ in }
    ) {
        self.clock = clock
        longest = longestValue
        self.least = least ?? longestValue
        self.onWait = onWait
    }

    func read(_ key: SharedKey, known: UInt64) -> SharedReading? {
        state.withLock { state in
            state.asked.append("read")
            state.hasAnswered = true
            if state.isAway { return nil }
            var reading = SharedReading()
            if let load = state.loads[key] {
                reading.load = .running(version: load.version)
                if let (failure, until) = load.failure {
                    reading.load = .failed(version: load.version, failure, left: max(0, until - clock.boot()))
                }
            }
            reading.value = state.values[key].map {
                .init(
                    version: $0.version, begun: $0.begun, produced: state.agesAreKnown ? $0.value.produced : nil,
                    bytes: $0.version == known ? nil : $0.value.bytes)
            }
            return reading
        }
    }

    func begin(_ key: SharedKey, load: UInt64, value: UInt64) -> SharedAnswer {
        change("begin") { state in
            guard state.loads[key]?.version ?? 0 == load, state.values[key]?.version ?? 0 == value else { return false }
            state.loads[key] = Load(version: state.version, begun: state.version)
            return true
        }
    }

    func succeed(_ key: SharedKey, begun: UInt64, _ value: SharedValue) -> SharedAnswer {
        change("succeed") { state in
            guard let load = state.loads[key], load.begun == begun, load.failure == nil else { return false }
            state.loads[key] = nil
            state.values[key] = (state.version, begun, value)
            return true
        }
    }

    func fail(_ key: SharedKey, begun: UInt64, _ failure: SharedFailure, leftAlone: Int64) -> SharedAnswer {
        change("fail") { state in
            guard state.loads[key]?.begun == begun else { return false }
            state.loads[key] = Load(version: state.version, begun: 0, failure: (failure, clock.boot() + leftAlone))
            return true
        }
    }

    func end(_ key: SharedKey, begun: UInt64, outdates: Bool) -> SharedAnswer {
        change("end") { state in
            guard state.loads[key]?.begun == begun else { return false }
            state.loads[key] = nil
            if outdates { state.values[key] = nil }
            return true
        }
    }

    func put(_ key: SharedKey, _ value: SharedValue) -> SharedAnswer {
        change("put") { state in
            let begun = state.version
            state.version += 1
            state.loads[key] = nil
            state.values[key] = (state.version, begun, value)
            return true
        }
    }

    func drop(_ key: SharedKey) -> SharedAnswer {
        let before = state.withLock { state in
            defer { state.beforeDrop = nil }
            return state.beforeDrop
        }
        before?()
        return drop(now: key)
    }

    private func drop(now key: SharedKey) -> SharedAnswer {
        change("drop") { state in
            state.loads[key] = nil
            state.values[key] = nil
            return true
        }
    }

    func wait(for key: SharedKey, until time: BootTime) -> Bool {
        onWait(self, time)
        return false
    }

    private func change(_ name: String, _ body: (inout State) -> Bool) -> SharedAnswer {
        state.withLock { state in
            defer { state.before = nil }
            return state.before
        }?(name)
        return state.withLock { state in
            state.asked.append(name)
            if state.isAway { return .away }
            state.version += 1
            return body(&state) ? .done(version: state.version) : .changed
        }
    }

    /// What was asked since the last call.
    func takeAsked() -> [String] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked
        }
    }
}

/// Several hosts with one store, one clock, and a disk each.
struct SharedWorld {
    let clock = TestClock()
    let store: MemoryStore

    init(
        longestValue: Int = 1 << 20, least: Int? = nil,
        onWait: @escaping @Sendable (MemoryStore, BootTime, TestClock) -> Void = { _, _, _ in }
    ) {
        let clock = self.clock
        store = MemoryStore(clock, longestValue: longestValue, least: least) { store, time in
            clock.advance(max(0, time - clock.boot()))
            onWait(store, time, clock)
        }
    }

    /// A cache of a host of its own.
    func host(_ options: CacheOptions, which: CacheSharing = .all) throws -> HostCache {
        try host(.memory, options, which: which)
    }

    /// A cache of a host of its own, with that disk.
    func host(
        _ model: CacheWorld.Model, _ options: CacheOptions, which: CacheSharing = .all,
        disk: MemoryFolder.Disk = MemoryFolder.Disk()
    ) throws -> HostCache {
        let environment = CacheEnvironment(
            clock: clock, origin: CacheOrigin(machine: "", boot: "", bootOffset: 0), jitter: { 0 },
            shared: (store, which))
        let namespace = CacheNamespace(
            plugin: "plugin", routine: "routine", budget: CacheBudget(),
            place: CachePlace(MemoryFolder(disk), of: .state), environment: environment)
        Self.kept.withLock { $0.append(namespace) }
        return try namespace.open("name", options, isOnDisk: model == .disk).get()
    }

    /// A cache refers to nothing that keeps its namespace.
    private static let kept = Mutex<[CacheNamespace]>([])
}
