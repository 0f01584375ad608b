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
    /// What the plugin can ask about the present callback; written before each callback.
    var place: schedhost_place
    /// The session's id as a C string for the plugin.
    var sessionText = InlineArray<14, CChar>(repeating: 0)
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
    /// The thread that is in a callback (`Thread.current`), or 0.
    let callbackThread = Atomic<UInt>(0)
    /// Whether a cycle is in progress.
    let isRunning = Atomic<Bool>(false)
    /// The runner, which owns this cell.
    unowned(unsafe) let runner: RoutineRunner
}

/// The memory of a plugin's cells, each in cache lines of its own.
@safe final class RoutineCells: @unchecked Sendable {
    // @unchecked: the memory belongs to those who have a cell.
    private let memory: UnsafeMutableRawPointer

    /// The size of a cache line in bytes.
    private static let cacheLine = 64
    private static let size = (MemoryLayout<RoutineCell>.size + cacheLine - 1) / cacheLine * cacheLine

    /// Allocates that many cells, which are not initialized.
    init(count: Int) {
        unsafe memory = .allocate(byteCount: count * Self.size, alignment: Self.cacheLine)
    }

    /// The cells have been deinitialized.
    deinit { unsafe memory.deallocate() }

    /// Has the processor bring a cell near.
    @inline(__always)
    func fetch(_ index: Int) { unsafe ProcessorCache.fetch(memory + index * Self.size, bytes: Self.size) }

    subscript(index: Int) -> UnsafeMutablePointer<RoutineCell> {
        unsafe (memory + index * Self.size).bindMemory(to: RoutineCell.self, capacity: 1)
    }
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
