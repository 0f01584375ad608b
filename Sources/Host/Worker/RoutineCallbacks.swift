internal import CPluginAPI

/// What the host calls of a routine, and its name as the plugin has it.
@safe struct RoutineCallbacks {
    typealias Callback = @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32
    typealias Interrupt = @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Void
    typealias ErrorHook =
        @convention(c) (
            UnsafePointer<schedhost_scheduler>?, UnsafePointer<schedhost_error>?,
            UnsafeMutablePointer<schedhost_decision>?, UnsafeMutableRawPointer?
        ) -> Void

    /// The callbacks beside `run`, which most routines of a plugin have in common.
    @safe private final class Others: @unchecked Sendable {
        // @unchecked: functions of the plugin, which live as long as the process.
        let start, stop, stats: Callback?
        let interrupt: Interrupt?
        let onError: ErrorHook?

        init(_ routine: schedhost_routine) {
            unsafe start = unsafe routine.start
            unsafe stop = unsafe routine.stop
            unsafe stats = unsafe routine.stats
            unsafe interrupt = unsafe routine.interrupt
            unsafe onError = unsafe routine.on_error
        }

        func isOf(_ routine: schedhost_routine) -> Bool {
            unsafe address(start) == address(routine.start) && address(stop) == address(routine.stop)
                && address(stats) == address(routine.stats) && address(interrupt) == address(routine.interrupt)
                && address(onError) == address(routine.on_error)
        }

        private func address(_ callback: Callback?) -> Int { unsafe unsafeBitCast(callback, to: Int.self) }
        private func address(_ callback: Interrupt?) -> Int { unsafe unsafeBitCast(callback, to: Int.self) }
        private func address(_ callback: ErrorHook?) -> Int { unsafe unsafeBitCast(callback, to: Int.self) }
    }

    let run: Callback?
    /// The routine's own data.
    let user: UnsafeMutableRawPointer?
    /// The name, which lives as long as the process, as the descriptor does; nil for the plugin's own scope.
    let name: UnsafePointer<CChar>?
    private let others: Others

    /// Takes them from a descriptor. Those of the routine before, `last`, are shared as far as they are the same.
    init(_ routine: schedhost_routine = unsafe schedhost_routine(), after last: RoutineCallbacks? = nil) {
        unsafe run = unsafe routine.run
        unsafe user = unsafe routine.user
        unsafe name = unsafe routine.name
        if let last, unsafe last.others.isOf(routine) {
            others = last.others
        } else {
            others = unsafe Others(routine)
        }
    }

    var start: Callback? { unsafe others.start }
    var stop: Callback? { unsafe others.stop }
    var stats: Callback? { unsafe others.stats }
    var interrupt: Interrupt? { unsafe others.interrupt }
    var onError: ErrorHook? { unsafe others.onError }
}
