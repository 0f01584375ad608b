internal import HostSystem
internal import Synchronization

/// A load in progress, shared by all callers that wait for it. What its source writes to is the same object, since to allocate
/// another one takes about a tenth of a load of a few bytes.
final class CacheLoad: CacheWriter, @unchecked Sendable {
    // @unchecked: `isAwaited`, `mayAdopt`, `outcome` and `loader` are accessed only under the cache's lock, so that the runtime need not
    // check each access once more; and what it inherits, only by the thread that runs the source.

    /// How a load ended.
    enum Outcome {
        case made(CacheValue)
        case failed(CacheSourceFailure)
        /// The disk had this value, and it satisfied the caller that performed the load.
        case found(CacheValue)
        /// The load was called off; waiting callers ask again.
        case again
    }

    /// The entry that the load makes a value for; it refers back to the load until that has ended.
    let entry: CacheEntry
    /// The state machine's view of the load.
    let flight: CacheFlight.Load
    /// Whether a caller waits for it, or has waited.
    @safe @exclusivity(unchecked) var isAwaited = false
    /// How the load ended, for those who wait; nil while it is in progress.
    @safe @exclusivity(unchecked) var outcome: Outcome?
    /// Whether it may take over what the disk or the store has: not if that was being removed when it began.
    @safe @exclusivity(unchecked) var mayAdopt = true
    /// The routine that performs it, for a cache that routines share. Accessed under the cache's lock.
    @safe @exclusivity(unchecked) var loader: String?
    /// The thread that runs the source; 0 until one does, and when it has ended.
    let thread = Atomic<UInt>(0)

    init(_ entry: CacheEntry, _ flight: CacheFlight.Load, objects: Bool) {
        self.entry = entry
        self.flight = flight
        super.init(objects: objects)
    }
}

/// Detects deadlocks among the loads of this process before they occur: records which thread waits for which load.
enum CacheWaits {
    private struct State {
        /// The load that each waiting thread waits for.
        var waits: [UInt: CacheLoad] = [:]
    }

    private static let state = Monitor(State())
    /// How many nested loads the calling thread is running: the pointer is that number.
    private static let depth = ThreadSlot()

    /// Notes that the calling thread runs this load until `leave`. Returns how many other loads it runs already, within
    /// which this one is nested.
    static func enter(_ load: CacheLoad) -> UInt {
        let thread = Thread.current
        load.thread.store(thread, ordering: .releasing)
        let outer = unsafe UInt(bitPattern: depth.pointer)
        unsafe depth.set(UnsafeMutableRawPointer(bitPattern: outer + 1))
        return outer
    }

    /// Notes that the calling thread has finished this load, its innermost one, to which `enter` has returned that.
    ///
    /// From then on the load waits for nobody. Those who waited for it are noted as waiting until they run again: if it named
    /// its thread still, they would seem to wait for whatever that thread does next, and that might be to wait for them.
    static func leave(_ load: CacheLoad, to outer: UInt) {
        load.thread.store(0, ordering: .releasing)
        unsafe depth.set(UnsafeMutableRawPointer(bitPattern: outer))
    }

    /// Notes that the calling thread will wait for this load. Returns false, and notes nothing, if that load waits for
    /// the calling thread, directly or through other threads.
    static func begin(_ load: CacheLoad) -> Bool {
        let thread = Thread.current
        return state.withLock { state in
            var owner = load.thread.load(ordering: .acquiring)
            // The recorded waits contain no cycle, so the walk ends; the bound guards against a bug.
            for _ in 0...state.waits.count {
                if owner == thread { return false }
                guard let next = state.waits[owner] else { break }
                owner = next.thread.load(ordering: .acquiring)
            }
            state.waits[thread] = load
            return true
        }
    }

    /// Notes that the calling thread no longer waits.
    static func end() {
        let thread = Thread.current
        _ = state.withLock { state in state.waits.removeValue(forKey: thread) }
    }
}
