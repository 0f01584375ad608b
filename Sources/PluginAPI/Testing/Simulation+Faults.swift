internal import Synchronization

/// What is put in the place of a plugin's surroundings, and what goes wrong.
extension Simulation {
    /// The values of a cache come from `load` in place of its own source. What it throws the cycle meets as the source's error;
    /// `Scheduler.current?.sleep` in it is a server that takes its time.
    @preconcurrency public mutating func replace<Declared: DeclaredCache>(
        _ cache: Declared, with load: @escaping @Sendable () throws -> Declared.Value
    ) {
        replace(cache) { _ in try load() }
    }

    /// The same by the key that is asked for.
    @preconcurrency public mutating func replace<Declared: DeclaredCache>(
        _ cache: Declared, with load: @escaping @Sendable (String) throws -> Declared.Value
    ) {
        let target = Rehearsal.Target(cache.declaration)
        replacements.append { $0.replace(target, load) }
    }

    /// The same for caches that are declared where they are used, in whichever routine: `scheduler.cache("prices", …)`.
    @preconcurrency public mutating func replace<Value: Sendable>(
        cacheNamed name: String, with load: @escaping @Sendable (String) throws -> Value
    ) {
        replacements.append { $0.replace(.named(name), load) }
    }

    /// Some of a cache's loads fail: those of these numbers, counted from 0 over the whole run. All of them, where none are
    /// given.
    public mutating func fail(
        _ cache: some DeclaredCache, loads: Range<Int> = 0..<Int.max, with error: any Error = SimulatedFailure()
    ) {
        let target = Rehearsal.Target(cache.declaration)
        replacements.append { $0.fail(target, loads, error) }
    }

    /// The same for caches that are declared where they are used.
    public mutating func fail(
        cacheNamed name: String, loads: Range<Int> = 0..<Int.max, with error: any Error = SimulatedFailure()
    ) {
        replacements.append { $0.fail(.named(name), loads, error) }
    }

    /// `body` runs before each cycle of a routine, or of all of them, as a part of it: what it throws, the cycle throws. If the
    /// plugin has no routine of that name, `run` throws.
    @preconcurrency public mutating func before(
        _ routine: String? = nil, perform body: @escaping @Sendable (Scheduler) throws -> Void
    ) {
        replacements.append { $0.precede(routine, body) }
        if let routine { named.append(routine) }
    }

    /// A cycle of a routine, or of each of them, fails: the one of this number, counted from 0 over the whole run.
    ///
    /// It fails at as many attempts as `attempts` says, so that a routine which tries again gets through after these. If
    /// the plugin has no routine of that name, `run` throws.
    public mutating func fail(
        cycle number: Int, of routine: String? = nil, attempts: Int = 1, with error: any Error = SimulatedFailure()
    ) {
        if let routine { named.append(routine) }
        faults.append(CycleFault(cycle: number, routine: routine, attempts: attempts, error: error))
    }
}

/// What is thrown where a simulation lets something fail, and names no other error.
public struct SimulatedFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// One line.
    public var description: String { "the simulation lets this fail" }

    /// One that is like all others.
    public init() {}
}

/// A cycle that is to fail.
struct CycleFault: Sendable {
    let cycle: Int
    let routine: String?
    let attempts: Int
    let error: any Error

    /// How many cycles each routine has begun.
    private final class Begun: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        /// The number, from 0, of the cycle that an attempt belongs to.
        func cycle(of routine: String, attempt: Int) -> Int {
            counts.withLock { counts in
                if attempt == 1 { counts[routine, default: 0] += 1 }
                return counts[routine, default: 0] - 1
            }
        }
    }

    func enter(_ rehearsal: inout Rehearsal) {
        let begun = Begun()
        rehearsal.precede(routine) { [self] scheduler in
            if begun.cycle(of: scheduler.routine, attempt: scheduler.attempt) == cycle, scheduler.attempt <= attempts {
                throw error
            }
        }
    }
}
