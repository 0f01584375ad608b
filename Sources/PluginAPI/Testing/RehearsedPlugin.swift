internal import CPluginAPI
internal import Synchronization

/// A plugin as the engine gets it: its own descriptor, with routines whose cycles begin with what a test has put before them.
@safe enum RehearsedPlugin {
    private typealias Run = @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32

    @safe private struct State: @unchecked Sendable {
        // @unchecked: functions and descriptors, which are immutable and live as long as the process.
        /// The descriptors that were made, by the plugins'.
        var descriptors: [UnsafePointer<schedhost_plugin>: UnsafePointer<schedhost_plugin>] = unsafe [:]
        /// The cycles of the routines, by what they are called with, which is each one's own.
        var runs: [UnsafeMutableRawPointer: Run] = unsafe [:]
    }

    private static let state = Mutex(State())

    /// The descriptor; made once for each plugin, and for ever.
    static func descriptor(of plugin: Plugin) -> UnsafePointer<schedhost_plugin> {
        unsafe state.withLock { state in
            let own = unsafe plugin.descriptor
            if let known = unsafe state.descriptors[own] { return unsafe known }
            var copy = unsafe own.pointee
            unsafe copy.routines = unsafe routines(of: plugin, &state)
            let made = UnsafeMutablePointer<schedhost_plugin>.allocate(capacity: 1)
            unsafe made.initialize(to: copy)
            unsafe state.descriptors[own] = unsafe UnsafePointer(made)
            return unsafe UnsafePointer(made)
        }
    }

    /// The plugin's own routines.
    static func routines(of plugin: Plugin) -> [UnsafePointer<schedhost_routine>] {
        guard let own = unsafe plugin.descriptor.pointee.routines else { return unsafe [] }
        var list: [UnsafePointer<schedhost_routine>] = unsafe []
        while let routine = unsafe own[list.count] { unsafe list.append(routine) }
        return unsafe list
    }

    private static func routines(
        of plugin: Plugin, _ state: inout State
    ) -> UnsafePointer<UnsafePointer<schedhost_routine>?>? {
        guard unsafe plugin.descriptor.pointee.routines != nil else { return nil }
        var list: [UnsafePointer<schedhost_routine>?] = unsafe []
        let all = unsafe routines(of: plugin)
        for index in unsafe all.indices {
            let routine = unsafe all[index]
            let copy = UnsafeMutablePointer<schedhost_routine>.allocate(capacity: 1)
            unsafe copy.initialize(to: routine.pointee)
            if let user = unsafe routine.pointee.user {
                unsafe state.runs[user] = unsafe routine.pointee.run
                unsafe copy.pointee.run = { unsafe RehearsedPlugin.run($0, $1) }
            }
            unsafe list.append(UnsafePointer(copy))
        }
        unsafe list.append(nil)
        let made = UnsafeMutablePointer<UnsafePointer<schedhost_routine>?>.allocate(capacity: unsafe list.count)
        for index in unsafe list.indices { unsafe (made + index).initialize(to: list[index]) }
        return unsafe UnsafePointer(made)
    }

    /// The names of the routines.
    static func routineNames(of plugin: Plugin) -> [String] {
        var names: [String] = []
        while let routine = unsafe plugin.descriptor.pointee.routines?[names.count] {
            names.append(unsafe routine.pointee.name.map { unsafe String(cString: $0) } ?? "")
        }
        return names
    }

    private static func run(
        _ scheduler: UnsafePointer<schedhost_scheduler>?, _ user: UnsafeMutableRawPointer?
    ) -> Int32 {
        let code = unsafe Rehearsal.begin(scheduler, user)
        if code != Int32(SCHEDHOST_OK) { return code }
        let own = unsafe user.flatMap { user in unsafe state.withLock { unsafe $0.runs[user] } }
        return unsafe own?(scheduler, user) ?? Int32(SCHEDHOST_INVALID)
    }
}
