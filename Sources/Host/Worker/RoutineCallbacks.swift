internal import CPluginAPI

/// What the host calls of a routine, and its name as the plugin has it.
@safe struct RoutineCallbacks {
    typealias Callback = @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32

    let run: Callback?
    let start: Callback?
    let stop: Callback?
    let stats: Callback?
    let interrupt: (@convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Void)?
    let onError:
        (
            @convention(c) (
                UnsafePointer<schedhost_scheduler>?, UnsafePointer<schedhost_error>?,
                UnsafeMutablePointer<schedhost_decision>?, UnsafeMutableRawPointer?
            ) -> Void
        )?
    /// The routine's own data.
    let user: UnsafeMutableRawPointer?
    /// The name, which lives as long as the process, as the descriptor does; nil for the plugin's own scope.
    let name: UnsafePointer<CChar>?

    init(_ routine: schedhost_routine = unsafe schedhost_routine()) {
        unsafe run = unsafe routine.run
        unsafe start = unsafe routine.start
        unsafe stop = unsafe routine.stop
        unsafe stats = unsafe routine.stats
        unsafe interrupt = unsafe routine.interrupt
        unsafe onError = unsafe routine.on_error
        unsafe user = unsafe routine.user
        unsafe name = unsafe routine.name
    }
}
