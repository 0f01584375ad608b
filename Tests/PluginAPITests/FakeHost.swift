import CPluginAPI
import PluginAPI

/// A host of one routine: a function table over a recorder, with simple caches in virtual time.
///
/// Used by one test on one thread at a time. Never freed, as a real one.
@safe final class FakeHost: @unchecked Sendable {
    struct Line: Equatable {
        let level: Int32
        let text: String
    }

    var cycle: UInt64 = 0
    var attempt: UInt32 = 1
    var now = 0.0
    var level: Int32 = 20
    var stopRequested = false
    /// What the next questions whether to stop are answered, before `stopRequested` holds.
    var stopAnswers: [Bool] = []
    var parameters: [String: String] = [:]
    private(set) var lines: [Line] = []
    private(set) var failures: [String] = []
    private(set) var stats: [String: String] = [:]
    private(set) var calls: [String] = []
    /// Whether answers of caches come pinned, and how many of them are not released yet.
    var isPinning = false
    /// How long the lease lasts, in ms.
    var leaseLeft: Int64 = 2500
    var pins = 0
    /// How often a pin was given back, whether there was one or not.
    var releases = 0
    var memoryCaches: [String: FakeCache] = [:]
    var diskCaches: [String: FakeCache] = [:]

    let scheduler: UnsafeMutablePointer<schedhost_scheduler>
    private let place: UnsafeMutablePointer<schedhost_place>
    private let jsonText: UnsafeMutablePointer<CChar>

    /// A host whose table claims `tableSize` bytes, all functions behind them missing.
    init(tableSize: Int = unsafe MemoryLayout<schedhost_host>.size, caches: Bool = true, session: String = "s1") {
        let table = UnsafeMutablePointer<schedhost_host>.allocate(capacity: 1)
        unsafe scheduler = .allocate(capacity: 1)
        unsafe place = .allocate(capacity: 1)
        unsafe jsonText = .allocate(capacity: 3)
        unsafe jsonText.initialize(repeating: 0, count: 3)
        unsafe jsonText[0] = 123
        unsafe jsonText[1] = 125
        var full = unsafe FakeHost.table
        if !caches {
            unsafe full.cache_memory = { _, _, _, _ in Int32(SCHEDHOST_UNSUPPORTED) }
            unsafe full.cache = { _, _, _, _ in Int32(SCHEDHOST_UNSUPPORTED) }
        }
        unsafe full.struct_size = UInt32(tableSize)
        unsafe table.initialize(to: full)
        var place = unsafe schedhost_place()
        unsafe place.struct_size = unsafe UInt32(MemoryLayout<schedhost_place>.size)
        unsafe place.plugin = unsafe immortalText("fake")
        unsafe place.routine = unsafe immortalText("routine")
        unsafe place.session = unsafe immortalText(session)
        unsafe place.lifetime_cycles = 70
        unsafe place.session_start_ms = 1_700_000_000_000
        unsafe place.missed = 3
        unsafe place.session_before = UInt32(SCHEDHOST_BEFORE_CRASH)
        unsafe place.lease_token = 41
        unsafe (place.shard, place.shards) = (3, 16)
        unsafe self.place.initialize(to: place)
        unsafe scheduler.initialize(
            to: schedhost_scheduler(
                struct_size: UInt32(MemoryLayout<schedhost_scheduler>.size), reserved: 0, host: table, host_data: nil))
        unsafe scheduler.pointee.host_data = unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// The fake behind a scheduler.
    static func of(_ scheduler: UnsafePointer<schedhost_scheduler>?) -> FakeHost {
        unsafe Unmanaged<FakeHost>.fromOpaque(there(scheduler).pointee.host_data).takeUnretainedValue()
    }

    private func note(_ call: String) { calls.append(call) }

    // MARK: Driving a routine

    /// Runs a callback of a routine, as the host would.
    func call(
        _ function: (@convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32)?,
        _ routine: UnsafePointer<schedhost_routine>
    ) -> Int32? {
        unsafe function?(scheduler, routine.pointee.user)
    }

    /// One cycle; the code it returns.
    @discardableResult
    func run(_ routine: UnsafePointer<schedhost_routine>) -> Int32 {
        defer { cycle += 1 }
        return unsafe call(routine.pointee.run, routine) ?? Int32(SCHEDHOST_UNSUPPORTED)
    }

    /// One cycle of a routine made for the purpose: its code.
    @discardableResult
    func once(_ body: @escaping Routine.Body) -> Int32 {
        let plugin = Plugin("once", version: "1") { Routine("once", wait: .zero, run: body) }
        return unsafe run(plugin.routines[0])
    }

    // MARK: The table

    private static var table: schedhost_host {
        var table = unsafe schedhost_host()
        unsafe table.abi_minor = 0
        unsafe table.host_version = unsafe immortalText("fake")
        unsafe table.place = { scheduler in
            let host = unsafe FakeHost.of(scheduler)
            unsafe host.place.pointee.cycle = host.cycle
            unsafe host.place.pointee.attempt = host.attempt
            return unsafe UnsafePointer(host.place)
        }
        unsafe table.now_ms = { unsafe Int64(FakeHost.of($0).now * 1000) }
        unsafe table.next_due_ms = { _ in .max }
        unsafe table.log_enabled = { unsafe $1 >= FakeHost.of($0).level ? 1 : 0 }
        unsafe table.log = { scheduler, level, text, size in
            let bytes = unsafe UnsafeRawBufferPointer(start: text, count: size)
            unsafe FakeHost.of(scheduler).lines.append(Line(level: level, text: String(decoding: bytes, as: UTF8.self)))
        }
        unsafe table.param_string = { scheduler, name, fallback in
            guard let text = unsafe FakeHost.of(scheduler).parameters[String(cString: there(name))] else {
                return unsafe fallback
            }
            return unsafe immortalText(text)
        }
        unsafe table.param_int = { scheduler, name, fallback in
            unsafe FakeHost.of(scheduler).parameters[String(cString: there(name))].flatMap { Int64($0) } ?? fallback
        }
        unsafe table.param_double = { scheduler, name, fallback in
            unsafe FakeHost.of(scheduler).parameters[String(cString: there(name))].flatMap { Double($0) } ?? fallback
        }
        unsafe table.param_bool = { scheduler, name, fallback in
            unsafe FakeHost.of(scheduler).parameters[String(cString: there(name))].map { $0 == "true" ? 1 : 0 }
                ?? fallback
        }
        unsafe table.params_json = { unsafe UnsafePointer(FakeHost.of($0).jsonText) }
        unsafe table.fail = { scheduler, code, message in
            unsafe FakeHost.of(scheduler).failures.append(message.map { unsafe String(cString: $0) } ?? "")
            return code
        }
        unsafe table.stop_requested = {
            let host = unsafe FakeHost.of($0)
            let answer = host.stopAnswers.isEmpty ? host.stopRequested : host.stopAnswers.removeFirst()
            return answer ? 1 : 0
        }
        unsafe table.sleep_ms = { scheduler, ms in
            unsafe FakeHost.of(scheduler).note("sleep \(ms)")
            return unsafe FakeHost.of(scheduler).stopRequested ? 1 : 0
        }
        unsafe table.end_session = { unsafe FakeHost.of($0).note(unsafe "end \(String(cString: there($1)))") }
        unsafe table.set_wait_ms = { scheduler, wait in
            unsafe FakeHost.of(scheduler).note("wait \(wait)")
            return wait > 2_678_400_000 ? Int32(SCHEDHOST_INVALID) : 0
        }
        unsafe table.lease_left_ms = { unsafe FakeHost.of($0).leaseLeft }
        unsafe table.run_again_now = { unsafe FakeHost.of($0).note("again") }
        unsafe table.stat_int = { scheduler, name, value in
            unsafe FakeHost.of(scheduler).stats[String(cString: there(name))] = "\(value)"
            return 0
        }
        unsafe table.stat_double = { scheduler, name, value in
            unsafe FakeHost.of(scheduler).stats[String(cString: there(name))] = "\(value)"
            return 0
        }
        unsafe table.stat_string = { scheduler, name, value in
            unsafe FakeHost.of(scheduler).stats[String(cString: there(name))] = unsafe String(cString: there(value))
            return 0
        }
        unsafe FakeCache.install(in: &table)
        return unsafe table
    }
}

/// A text that is never freed.
func immortalText(_ text: String) -> UnsafePointer<CChar> {
    let units = text.utf8CString
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: units.count)
    for index in units.indices { unsafe (place + index).initialize(to: units[index]) }
    return unsafe UnsafePointer(place)
}

extension Plugin {
    /// The routines of its descriptor.
    var routines: [UnsafePointer<schedhost_routine>] { unsafe entries(descriptor.pointee.routines) }
}

/// The entries of a NULL-terminated list.
func entries<Value>(_ list: UnsafePointer<UnsafePointer<Value>?>?) -> [UnsafePointer<Value>] {
    guard var next = unsafe list else { return unsafe [] }
    var found: [UnsafePointer<Value>] = unsafe []
    while let entry = unsafe next.pointee {
        unsafe found.append(entry)
        unsafe next += 1
    }
    return unsafe found
}

/// What the overlay always passes.
func there<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("the overlay passes NULL where the ABI wants a pointer") }
    return value
}
