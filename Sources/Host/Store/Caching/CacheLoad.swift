internal import HostSystem
internal import Synchronization

/// One load in progress, shared by whoever waits for it.
final class CacheLoad: @unchecked Sendable {
    // @unchecked: `entry` and `outcome` are touched only under the cache's lock.

    /// How it ended.
    enum Outcome {
        case made(CacheValue)
        case failed(CacheSourceFailure)
        /// The disk had this value, and it was enough for who looked.
        case found(CacheValue)
        /// The load was called off: ask again.
        case again
    }

    /// The entry whose value it makes, which has it until it is over.
    let entry: CacheEntry
    /// What the state machine knows of it.
    let flight: CacheFlight.Load
    /// nil while it goes on.
    var outcome: Outcome?
    /// The thread that runs the source; 0 until one does.
    let thread = Atomic<UInt>(0)

    init(_ entry: CacheEntry, _ flight: CacheFlight.Load) {
        self.entry = entry
        self.flight = flight
    }
}

/// Who waits for whose load, in this process: finds the wait that would never end before it begins.
enum CacheWaits {
    private struct State {
        /// What each waiting thread waits for.
        var waits: [UInt: CacheLoad] = [:]
        /// How many loads each thread is running, one within the other.
        var depths: [UInt: Int] = [:]
    }

    private static let state = Monitor(State())

    /// The calling thread runs this load until `leave`. True when it runs another one already.
    static func enter(_ load: CacheLoad) -> Bool {
        let thread = Thread.current
        load.thread.store(thread, ordering: .releasing)
        return state.withLock { state in
            let depth = state.depths[thread, default: 0]
            state.depths[thread] = depth + 1
            return depth > 0
        }
    }

    /// The calling thread is done with a load.
    static func leave() {
        let thread = Thread.current
        state.withLock { state in
            let depth = state.depths[thread, default: 0]
            state.depths[thread] = depth > 1 ? depth - 1 : nil
        }
    }

    /// The calling thread will wait for this load. False when that load, directly or through other threads, waits
    /// for the calling thread; nothing is entered then.
    static func begin(_ load: CacheLoad) -> Bool {
        let thread = Thread.current
        return state.withLock { state in
            var owner = load.thread.load(ordering: .acquiring)
            // No cycle is ever entered, so the walk ends; the bound is for certainty.
            for _ in 0...state.waits.count {
                if owner == thread { return false }
                guard let next = state.waits[owner] else { break }
                owner = next.thread.load(ordering: .acquiring)
            }
            state.waits[thread] = load
            return true
        }
    }

    /// The calling thread no longer waits.
    static func end() {
        let thread = Thread.current
        _ = state.withLock { state in state.waits.removeValue(forKey: thread) }
    }
}
