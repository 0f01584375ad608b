internal import CPluginAPI
internal import HostPolicy
internal import HostSystem
internal import Synchronization

/// What a cycle and the plugin's calls touch, at a stable address, in plain memory: no object is retained on the hot path.
///
/// Beside its cell, and its slot and twin of the ledger, a cycle writes nothing. All three have their cache lines for
/// themselves: routines that run at the same time do not slow each other down.
@safe struct RoutineCell: ~Copyable {
    /// What the plugin is handed; its `host_data` is this cell's address.
    var scheduler: schedhost_scheduler
    /// Where the routine stands; written before each callback.
    var place: schedhost_place
    /// The session's id as the plugin sees it, with its NUL.
    var sessionText = InlineArray<14, CChar>(repeating: 0)
    /// The session's state machine. Touched by the thread whose turn it is.
    var schedule: Schedule
    /// The session's counts in the ledger. Touched by the thread whose turn it is.
    var ledger: SessionLedger
    /// Whether the callback in progress has attached text by `fail`.
    var hasMessage = false
    /// Whether it belongs to a routine: false for `load` and `unload`.
    let hasSession: Bool
    /// The thread in a callback (`Thread.current`), or 0.
    let callbackThread = Atomic<UInt>(0)
    /// Whether a cycle is in progress.
    let isRunning = Atomic<Bool>(false)
    /// The runner, which owns this cell.
    unowned(unsafe) let runner: RoutineRunner

    /// Room for one, whole cache lines of it.
    static func allocate() -> UnsafeMutablePointer<RoutineCell> {
        let size = (MemoryLayout<RoutineCell>.size + cacheLine - 1) / cacheLine * cacheLine
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: cacheLine)
        return unsafe memory.bindMemory(to: RoutineCell.self, capacity: 1)
    }

    /// Bytes that processors take from each other as a whole.
    private static let cacheLine = 64
}

extension UnsafePointer<schedhost_scheduler> {
    /// The cell behind a scheduler that the host handed out.
    @inline(__always)
    var cell: UnsafeMutablePointer<RoutineCell> {
        unsafe pointee.host_data.unsafelyUnwrapped.assumingMemoryBound(to: RoutineCell.self)
    }

    /// The runner behind it.
    @inline(__always)
    var runner: RoutineRunner { unsafe cell.pointee.runner }
}
