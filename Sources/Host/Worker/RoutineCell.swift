internal import CPluginAPI
internal import HostCore
internal import HostSystem
internal import Synchronization

/// What the plugin's calls touch, at a stable address, in plain memory: no object is retained on the hot path.
@safe struct RoutineCell: ~Copyable {
    /// What the plugin is handed; its `host_data` is this cell's address.
    var scheduler: schedhost_scheduler
    /// Where the routine stands; written before each callback.
    var place: schedhost_place
    /// The session's state machine. Touched by the thread whose turn it is.
    var schedule: Schedule
    /// The session's counts, for the twin of its slot. Touched by the thread whose turn it is.
    var account: TwinAccount
    /// Whether the callback in progress has attached text by `fail`.
    var hasMessage = false
    /// Whether it belongs to a routine: false for `load` and `unload`.
    let hasSession: Bool
    /// The thread in a callback (`Thread.current`), or 0.
    let callbackThread = Atomic<UInt>(0)
    /// The runner, which owns this cell.
    unowned(unsafe) let runner: RoutineRunner
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
