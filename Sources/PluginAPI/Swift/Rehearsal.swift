package import CPluginAPI
internal import Synchronization

/// What a test puts in the place of a plugin's surroundings: sources of caches, and what comes before cycles.
///
/// For PluginTesting alone. In a host nothing of it is there, and a load of a cache pays one look for that.
package struct Rehearsal: Sendable {
    /// Which cache a source belongs to.
    package enum Target: Hashable, Sendable {
        /// A declared one.
        case declared(ObjectIdentifier)
        /// All of that name for which there is nothing else.
        case named(String)

        /// That declaration.
        package init(_ cache: CacheDeclaration) { self = .declared(ObjectIdentifier(cache)) }
    }

    /// What runs before a cycle, and instead of it where it throws.
    package typealias Prelude = @Sendable (Scheduler) throws -> Void
    typealias Source = @Sendable (String) throws -> ValueBox

    private struct Failing {
        let loads: Range<Int>
        let error: any Error
    }

    private var sources: [Target: Source] = [:]
    private var failing: [Target: [Failing]] = [:]
    private var preludes: [(routine: String?, body: Prelude)] = []

    /// Nothing is replaced.
    package init() {}

    /// The value of a cache comes from `load`, by its key.
    package mutating func replace<Value: Sendable>(
        _ target: Target, _ load: @escaping @Sendable (String) throws -> Value
    ) {
        sources[target] = { TypedBox(try load($0)) }
    }

    /// The loads of a cache that have these numbers, from 0, throw `error`.
    package mutating func fail(_ target: Target, _ loads: Range<Int>, _ error: any Error) {
        failing[target, default: []].append(Failing(loads: loads, error: error))
    }

    /// `body` runs before each cycle of a routine, or of all; in the order in which they are given.
    package mutating func precede(_ routine: String?, _ body: @escaping Prelude) {
        preludes.append((routine, body))
    }

    // MARK: While it lasts

    private struct Stage {
        var rehearsal: Rehearsal
        /// How many loads each target has had.
        var loads: [Target: Int] = [:]
    }

    private static let isOn = Atomic<Bool>(false)
    private static let stage = Guarded<Stage?>(nil)

    /// Whether a test runs a plugin at the moment.
    static var isInProgress: Bool { isOn.load(ordering: .acquiring) }

    /// Runs `body` with this in force in the whole process. One at a time.
    package func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        Self.stage.withLock { $0 = Stage(rehearsal: self) }
        Self.isOn.store(true, ordering: .releasing)
        defer {
            Self.isOn.store(false, ordering: .releasing)
            Self.stage.withLock { $0 = nil }
        }
        return try body()
    }

    /// What makes the value of a cache in place of its own source; nil: that. Throws what the test wants this load to throw.
    static func source(of declaration: ObjectIdentifier?, _ name: String) throws -> Source? {
        guard isInProgress else { return nil }
        let found: Result<Source?, any Error> = stage.withLock { stage in
            var source: Source?
            for target in [declaration.map { Target.declared($0) }, .named(name)].compactMap({ $0 }) {
                source = source ?? stage?.rehearsal.sources[target]
                guard let failing = stage?.rehearsal.failing[target] else { continue }
                let number = stage?.loads[target] ?? 0
                stage?.loads[target] = number + 1
                if let fault = failing.first(where: { $0.loads.contains(number) }) { return .failure(fault.error) }
            }
            return .success(source)
        }
        return try found.get()
    }

    // MARK: Cycles

    /// Calls what comes before a cycle, by the pointers of its `run`: SCHEDHOST_OK, or the code of what it threw, which is then
    /// the routine's own error.
    package static func begin(
        _ scheduler: UnsafePointer<schedhost_scheduler>?, _ user: UnsafeMutableRawPointer?
    ) -> Int32 {
        let preludes = stage.withLock { $0?.rehearsal.preludes } ?? []
        if preludes.isEmpty { return Code.ok }
        return unsafe callback(scheduler, user) { _, scheduler in
            let routine = scheduler.routine
            for prelude in preludes where prelude.routine == nil || prelude.routine == routine {
                try prelude.body(scheduler)
            }
        }
    }
}

extension CacheDeclaration {
    /// Whether its values are on disk.
    package var isOnDisk: Bool { storage.kind == .disk }
    /// Whether the plugin's routines share it.
    package var isOfPlugin: Bool { scope == .plugin }
}
