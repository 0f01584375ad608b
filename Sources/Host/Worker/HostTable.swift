internal import CPluginAPI
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// The table of host functions that every scheduler points to: the worker's side of the ABI.
///
/// No argument that a plugin passes causes a trap: invalid ones are answered as host.h says.
@safe enum HostTable {
    /// The only table; it lives as long as the process.
    static var shared: UnsafePointer<schedhost_host> { unsafe UnsafePointer(storage.pointer) }

    @safe private struct Storage: @unchecked Sendable {
        // @unchecked: written once, before it is published.
        let pointer: UnsafeMutablePointer<schedhost_host>
    }

    private static let mostLogged = Int(SCHEDHOST_MAX_LOG)
    private static let mostMessage = Int(SCHEDHOST_MAX_MESSAGE)

    private static let versionText = CText(HostVersion.text)

    private static let storage: Storage = {
        let table = unsafe memory()
        unsafe table.initialize(to: schedhost_host())
        unsafe table.pointee.struct_size = UInt32(MemoryLayout<schedhost_host>.size)
        unsafe table.pointee.abi_minor = SCHEDHOST_ABI_MINOR
        unsafe table.pointee.host_version = unsafe versionText.pointer
        unsafe fillPlace(table)
        unsafe fillLog(table)
        unsafe fillParameters(table)
        unsafe fillControl(table)
        unsafe fillStats(table)
        unsafe fillCaches(table)
        return unsafe Storage(pointer: table)
    }()

    /// Makes another table, for a plugin that may run several times in this process. The Swift overlay notices by the
    /// new address that its cache handles are no longer valid. The table lives as long as the process.
    static func another() -> UnsafePointer<schedhost_host> {
        let table = UnsafeMutablePointer<schedhost_host>.allocate(capacity: 1)
        unsafe table.initialize(to: shared.pointee)
        return unsafe UnsafePointer(table)
    }

    /// Allocates the table. In check mode an inaccessible page follows it, so that a plugin that calls a function of a
    /// newer host without testing SCHEDHOST_HAS always crashes.
    private static func memory() -> UnsafeMutablePointer<schedhost_host> {
        let size = unsafe MemoryLayout<schedhost_host>.stride
        if HostProcess.environment(CheckMode.variable) != nil, let end = unsafe GuardedMemory.end(of: size) {
            return unsafe (end - size).assumingMemoryBound(to: schedhost_host.self)
        }
        return .allocate(capacity: 1)
    }

    private static func fillPlace(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.place = { scheduler in
            guard let scheduler = unsafe scheduler else { return nil }
            return unsafe CallbackPlace.of(scheduler.cell)
        }
        unsafe table.pointee.now_ms = { scheduler in
            guard let scheduler = unsafe scheduler else { return 0 }
            return unsafe scheduler.runner.clock.wallMilliseconds()
        }
        unsafe table.pointee.next_due_ms = { scheduler in
            guard let scheduler = unsafe scheduler else { return .max }
            guard unsafe isRoutineCallback(scheduler) else { return .max }
            let clock = unsafe scheduler.runner.clock
            let (now, wall) = (clock.boot(), clock.wall())
            let due = unsafe scheduler.cell.pointee.schedule.nextDue(now: now, wall: wall)
            return due == .never ? .max : clock.wallMilliseconds() &+ (due - now) / 1_000_000
        }
        unsafe table.pointee.lease_left_ms = { scheduler in
            guard let scheduler = unsafe scheduler, let lease = unsafe scheduler.runner.session.lease else {
                return .max
            }
            return unsafe max(0, (lease.deadline - scheduler.runner.clock.boot()) / 1_000_000)
        }
        unsafe table.pointee.history = { scheduler, index in
            guard let scheduler = unsafe scheduler, unsafe isRoutineCallback(scheduler) else { return nil }
            return unsafe past(scheduler.runner)[index]
        }
        unsafe table.pointee.extension = { _, _ in nil }
    }

    private static func fillLog(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.log_enabled = { scheduler, level in
            guard let scheduler = unsafe scheduler else { return 0 }
            return unsafe scheduler.runner.plugin.log.isOpen(level) ? 1 : 0
        }
        unsafe table.pointee.log = { scheduler, level, text, size in
            // A size above Int.max arrives negative: reject it.
            guard let scheduler = unsafe scheduler, let text = unsafe text, size >= 0 else { return }
            let runner = unsafe scheduler.runner
            guard runner.plugin.log.isOpen(level) else { return }
            let bytes = unsafe UnsafeRawBufferPointer(start: text, count: min(size, Self.mostLogged + 1))
            runner.plugin.channel.log(
                WorkerEvent.Log(
                    plugin: runner.plugin.number, routine: runner.index < 0 ? nil : runner.index, level: level,
                    text: unsafe PluginText.string(bytes, limit: Self.mostLogged), ms: runner.clock.wallMilliseconds()))
        }
    }

    private static func fillParameters(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.param_string = { scheduler, name, fallback in
            guard let scheduler = unsafe scheduler, let name = unsafe name else { return unsafe fallback }
            return unsafe scheduler.runner.session.parameters.string(name) ?? fallback
        }
        unsafe table.pointee.param_int = { scheduler, name, fallback in
            guard let scheduler = unsafe scheduler, let name = unsafe name else { return fallback }
            return unsafe scheduler.runner.session.parameters.int(name) ?? fallback
        }
        unsafe table.pointee.param_double = { scheduler, name, fallback in
            guard let scheduler = unsafe scheduler, let name = unsafe name else { return fallback }
            return unsafe scheduler.runner.session.parameters.double(name) ?? fallback
        }
        unsafe table.pointee.param_bool = { scheduler, name, fallback in
            guard let scheduler = unsafe scheduler, let name = unsafe name else { return fallback }
            return unsafe scheduler.runner.session.parameters.bool(name).map { $0 ? 1 : 0 } ?? fallback
        }
        unsafe table.pointee.params_json = { scheduler in
            guard let scheduler = unsafe scheduler else { return nil }
            return unsafe scheduler.runner.session.parameters.json.pointer
        }
    }

    private static func fillControl(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.fail = { scheduler, given, message in
            // What fails is no success, whatever number it has: a source would hand an empty value to everyone.
            let code = given == SCHEDHOST_OK.code ? SCHEDHOST_ERROR.code : given
            let text = unsafe PluginText.string(message, limit: Self.mostMessage) ?? ""
            if let run = SourceRun.current {
                run.message = text
            } else if StoreCall.take(text) {
                return code
            } else if let scheduler = unsafe scheduler, unsafe isCallback(scheduler) {
                unsafe scheduler.runner.session.message = text
                unsafe scheduler.cell.pointee.hasMessage = true
            }
            return code
        }
        unsafe table.pointee.stop_requested = { scheduler in
            guard let scheduler = unsafe scheduler else { return 0 }
            return unsafe scheduler.runner.askWhetherToStop() ? 1 : 0
        }
        unsafe table.pointee.sleep_ms = { scheduler, ms in
            guard let scheduler = unsafe scheduler, unsafe isCallback(scheduler) || SourceRun.current != nil else {
                return 0
            }
            return unsafe scheduler.runner.sleep(ms: ms) ? 1 : 0
        }
        unsafe table.pointee.end_session = { scheduler, reason in
            guard let scheduler = unsafe scheduler, unsafe isBeforeEnd(scheduler) else { return }
            unsafe scheduler.runner.session.endText = PluginText.string(reason, limit: Self.mostMessage) ?? ""
            unsafe scheduler.cell.pointee.schedule.endAfterCycle()
        }
        unsafe table.pointee.set_wait_ms = { scheduler, ms in
            guard let scheduler = unsafe scheduler else { return SCHEDHOST_INVALID.code }
            guard unsafe isBeforeEnd(scheduler) else { return SCHEDHOST_NOT_HERE.code }
            if ms > SCHEDHOST_MAX_WAIT_MS { return SCHEDHOST_INVALID.code }
            unsafe scheduler.cell.pointee.schedule.setWait(Int64(ms) * 1_000_000)
            return SCHEDHOST_OK.code
        }
        unsafe table.pointee.run_again_now = { scheduler in
            guard let scheduler = unsafe scheduler, unsafe isBeforeEnd(scheduler) else { return }
            _ = unsafe scheduler.cell.pointee.schedule.runNow(now: scheduler.runner.clock.boot())
        }
    }

    private static func fillStats(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.stat_int = { scheduler, name, value in
            unsafe setStat(scheduler, name, .int(value))
        }
        unsafe table.pointee.stat_double = { scheduler, name, value in
            unsafe setStat(scheduler, name, .double(value))
        }
        unsafe table.pointee.stat_string = { scheduler, name, value in
            guard let value = unsafe PluginText.string(value, limit: Int(SCHEDHOST_MAX_STAT)) else {
                return SCHEDHOST_INVALID.code
            }
            return unsafe setStat(scheduler, name, .string(value))
        }
    }
}

/// The sessions before the one in progress: asked for once, and kept as long as it runs.
private func past(_ runner: RoutineRunner) -> PastList {
    if let known = runner.session.past { return known }
    let (slot, session) = (runner.session.slot, runner.session.id)
    let channel = runner.plugin.channel
    let past =
        channel.past(ofSlot: slot)
        ?? runner.plugin.history.sessions(before: session, clock: runner.clock) {
            channel.send(.wantsHistory(slot: slot, session: session))
        }
    let list = PastList(past ?? [])
    runner.session.past = list
    return list
}

private func setStat(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ name: UnsafePointer<CChar>?, _ value: SessionRecord.Value
) -> Int32 {
    guard let scheduler = unsafe scheduler,
        let name = unsafe PluginText.string(name, limit: Int(SCHEDHOST_MAX_STAT_NAME) + 4)
    else {
        return SCHEDHOST_INVALID.code
    }
    guard unsafe isRoutineCallback(scheduler) else { return SCHEDHOST_NOT_HERE.code }
    let runner = unsafe scheduler.runner
    guard (1...Int(SCHEDHOST_MAX_STAT_NAME)).contains(name.utf8.count),
        runner.session.stats[name] != nil || runner.session.stats.columns.count < Int(SCHEDHOST_MAX_STATS)
    else { return SCHEDHOST_INVALID.code }
    runner.session.stats[name] = value
    return SCHEDHOST_OK.code
}

/// Whether the calling thread is in a callback of this routine.
@inline(__always)
func isCallback(_ scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
    unsafe scheduler.cell.pointee.callback.isOnThisThread
}

/// Whether the calling thread is in a callback of this routine other than `load` and `unload`, which have no session.
@inline(__always)
private func isRoutineCallback(_ scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
    unsafe isCallback(scheduler) && scheduler.cell.pointee.hasSession
}

/// Whether the calling thread is in a callback that can still influence the session: not in `stats` or `stop`.
private func isBeforeEnd(_ scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
    unsafe isRoutineCallback(scheduler) && !scheduler.runner.session.isClosing
}
