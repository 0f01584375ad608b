internal import CPluginAPI
internal import HostPolicy
internal import HostSystem
internal import Synchronization

/// The state that a cycle and the plugin's calls access, in plain memory at a stable address, so that the hot path
/// retains no object.
///
/// A cycle writes only to its cell, to its slot of the ledger and to the slot's replica. Each of the three has cache
/// lines of its own, so that routines that run concurrently do not slow each other down by false sharing.
@safe struct RoutineCell: ~Copyable {
    /// The scheduler that is passed to the plugin; its `host_data` is this cell's address.
    var scheduler: schedhost_scheduler
    /// The session's state machine. Accessed by the thread that has the turn.
    var schedule: Schedule
    /// The session's counts in the ledger. Accessed by the thread that has the turn.
    var ledger: SessionLedger
    /// Whether the callback in progress has attached a text with `fail`.
    var hasMessage = false
    /// Whether the cell belongs to a routine; false for the plugin's own scope (`load` and `unload`).
    let hasSession: Bool
    /// The handle by which the routine has used a cache of its plugin last. Accessed on the callback's thread.
    var lastUse: Unmanaged<CacheHandle>?
    /// Which thread is in which callback.
    let callback = CallbackMark()
    /// The runner, which owns this cell.
    unowned(unsafe) let runner: RoutineRunner
}

/// The thread that is in a callback of a routine, and whether that is a cycle. In one word, since a cycle writes it twice.
struct CallbackMark: ~Copyable {
    /// `Thread.current`, with the lowest bit set during a cycle; or 0.
    private let word = Atomic<UInt>(0)

    /// The calling thread enters a callback.
    @inline(__always)
    func enter(isCycle: Bool) { word.store(Thread.current | (isCycle ? 1 : 0), ordering: .relaxed) }

    /// It has returned. Whoever sees that may release what the callback has read.
    @inline(__always)
    func leave() { word.store(0, ordering: .releasing) }

    /// Whether any thread is in a callback. Of one that has just begun another thread can be sure only after a barrier on both.
    var isInProgress: Bool { word.load(ordering: .acquiring) != 0 }

    /// Whether the calling thread is in a callback.
    @inline(__always)
    var isOnThisThread: Bool { word.load(ordering: .relaxed) & ~1 == Thread.current }

    /// Whether a cycle is in progress.
    var isInCycle: Bool { word.load(ordering: .sequentiallyConsistent) & 1 != 0 }
}

/// The memory of a plugin's cells, each in cache lines of its own, and behind them of what few threads wait for.
@safe final class RoutineCells: @unchecked Sendable {
    // @unchecked: the memory belongs to those who have a cell.
    private let memory: UnsafeMutableRawPointer
    private let waits: UnsafeMutableRawPointer

    /// The size of a cache line in bytes.
    private static let cacheLine = 64
    private static let size = (MemoryLayout<RoutineCell>.size + cacheLine - 1) / cacheLine * cacheLine

    /// Allocates that many cells, which are not initialized.
    init(count: Int) {
        unsafe memory = .allocate(byteCount: count * (Self.size + WaitFlags.size), alignment: Self.cacheLine)
        unsafe waits = unsafe memory + count * Self.size
    }

    /// The cells have been deinitialized.
    deinit { unsafe memory.deallocate() }

    /// Has the processor bring a cell near.
    @inline(__always)
    func fetch(_ index: Int) { unsafe ProcessorCache.fetch(memory + index * Self.size, bytes: Self.size) }

    /// Whether a callback of a cell is in progress. The memory is there while this object is, also when the cell's owner is gone.
    func isInCallback(_ index: Int) -> Bool { unsafe self[index].pointee.callback.isInProgress }

    subscript(index: Int) -> UnsafeMutablePointer<RoutineCell> {
        unsafe (memory + index * Self.size).bindMemory(to: RoutineCell.self, capacity: 1)
    }
}

extension RoutineCells {
    /// The memory for a runner's `TurnRequests`, by the number of its cell.
    func wait(_ index: Int) -> UnsafeMutableRawPointer { unsafe waits + index * WaitFlags.size }
}

extension UnsafePointer<schedhost_scheduler> {
    /// The cell of a scheduler that the host passed to the plugin.
    @inline(__always)
    var cell: UnsafeMutablePointer<RoutineCell> {
        unsafe pointee.host_data.unsafelyUnwrapped.assumingMemoryBound(to: RoutineCell.self)
    }

    /// The runner of a scheduler that the host passed to the plugin.
    @inline(__always)
    var runner: RoutineRunner { unsafe cell.pointee.runner }
}
