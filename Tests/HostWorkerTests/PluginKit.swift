import CPluginAPI
import FoundationEssentials
import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

typealias Scheduler = UnsafePointer<schedhost_scheduler>

/// Time that stands still until it is moved.
final class TestClock: HostClock {
    private let time: Mutex<Int64>
    private let step = Mutex<Int64>(1_000_000_000_000)

    init(_ start: Int64 = 1_000_000_000) { time = Mutex(start) }

    func boot() -> BootTime { BootTime(nanoseconds: time.withLock { $0 }) }
    func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: time.withLock { $0 }) }
    func wall() -> WallTime { WallTime(nanoseconds: boot().nanoseconds + step.withLock { $0 }) }
    func advance(_ nanoseconds: Int64) { time.withLock { $0 += nanoseconds } }
    func setWall(by nanoseconds: Int64) { step.withLock { $0 += nanoseconds } }
}

/// One routine of a plugin that is made of closures.
@safe final class Script: @unchecked Sendable {
    // @unchecked: set up before it is loaded; the closures synchronise themselves.
    var name = "r"
    var waitMs: UInt64 = 0
    var start: ((Scheduler) -> Int32)?
    var run: (Scheduler) -> Int32 = { _ in 0 }
    var stop: ((Scheduler) -> Int32)?
    var stats: ((Scheduler) -> Int32)?
    var onError: ((Scheduler, schedhost_error, inout schedhost_decision) -> Void)?
    var interrupt: ((Scheduler) -> Void)?

    init() {}

    @safe init(_ run: @escaping (Scheduler) -> Int32) { unsafe self.run = unsafe run }
}

/// A C string that lives as long as the process, as a descriptor's do.
func forever(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    unsafe copy.initialize(from: bytes, count: bytes.count)
    return unsafe UnsafePointer(copy)
}

func forever<Value>(_ value: Value) -> UnsafePointer<Value> {
    let copy = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    unsafe copy.initialize(to: value)
    return unsafe UnsafePointer(copy)
}

private func script(_ user: UnsafeMutableRawPointer?) -> Script {
    unsafe Unmanaged<Script>.fromOpaque(user.unsafelyUnwrapped).takeUnretainedValue()
}

/// A plugin of closures, in a context as a worker has it, with the supervisor's end of its channel.
final class PluginKit {
    let context: PluginContext
    let channel: EventChannel
    let log = LogGate(level: 20)
    private let supervisor: Descriptor
    private let poller: Poller
    private var lines = LineSplitter(limit: 4 << 20)
    private var received: [WorkerEvent] = []
    private var nextSession: UInt64 = 1

    convenience init(
        _ scripts: [Script], isSerial: Bool = false, clock: any HostClock = SystemClock(),
        virtual: VirtualClock? = nil, parameters: String = "{}",
        change: (inout schedhost_plugin) -> Void = { _ in }
    ) throws {
        try unsafe self.init(
            descriptor: Self.descriptor(scripts, isSerial, change), routines: scripts.count, clock: virtual ?? clock,
            virtual: virtual, parameters: parameters)
    }

    /// A plugin by its descriptor, with a place for its disk caches if there is one.
    init(
        descriptor: UnsafePointer<schedhost_plugin>, routines: Int, clock: any HostClock = SystemClock(),
        virtual: VirtualClock? = nil, parameters: String = "{}", cachePlace: CachePlace? = nil
    ) throws {
        let pair = try DescriptorPair.socket()
        let worker = try pair.second.duplicate()
        supervisor = try pair.first.duplicate()
        poller = try Poller()
        try poller.add(supervisor, for: .readable, token: 1)
        channel = EventChannel(socket: worker, clock: clock)
        let ledger = try Descriptor.memory("ledger")
        try ledger.truncate(to: LedgerSlot.start + max(routines, 1) * LedgerSlot.size, subject: "ledger")
        let loaded = try unsafe LoadedPlugin(descriptor: descriptor)
        context = PluginContext(
            number: 0, loaded: loaded, ledger: try LedgerFile(ledger), clock: clock, channel: channel, log: log,
            sessions: SessionCounter(), budget: CacheBudget(), cachePlace: cachePlace)
        try context.prepare(loaded, parameters: parameters, on: virtual)
    }

    /// The threads that run it.
    var pool: RunPool? { context.driver as? RunPool }

    static func descriptor(
        _ scripts: [Script], _ isSerial: Bool, _ change: (inout schedhost_plugin) -> Void
    ) -> UnsafePointer<schedhost_plugin> {
        let list = UnsafeMutablePointer<UnsafePointer<schedhost_routine>?>.allocate(capacity: scripts.count + 1)
        for (index, script) in scripts.enumerated() {
            unsafe list[index] = unsafe forever(
                routine(script, scripts.count > 1 ? "\(script.name)\(index)" : script.name))
        }
        unsafe list[scripts.count] = nil
        var plugin = unsafe schedhost_plugin()
        unsafe plugin.struct_size = UInt32(MemoryLayout<schedhost_plugin>.size)
        unsafe plugin.flags = isSerial ? UInt32(SCHEDHOST_SERIAL) : 0
        unsafe plugin.id = unsafe forever("kit")
        unsafe plugin.version = unsafe forever("1.0")
        unsafe plugin.routines = unsafe UnsafePointer(list)
        unsafe change(&plugin)
        return unsafe forever(plugin)
    }

    private static func routine(_ made: Script, _ name: String) -> schedhost_routine {
        var routine = unsafe schedhost_routine()
        unsafe routine.struct_size = UInt32(MemoryLayout<schedhost_routine>.size)
        unsafe routine.name = unsafe forever(name)
        unsafe routine.wait_ms = made.waitMs
        unsafe routine.user = unsafe Unmanaged.passRetained(made).toOpaque()
        unsafe routine.run = { unsafe script($1).run($0.unsafelyUnwrapped) }
        if unsafe made.start != nil { unsafe routine.start = { unsafe script($1).start?($0.unsafelyUnwrapped) ?? 0 } }
        if unsafe made.stop != nil { unsafe routine.stop = { unsafe script($1).stop?($0.unsafelyUnwrapped) ?? 0 } }
        if unsafe made.stats != nil { unsafe routine.stats = { unsafe script($1).stats?($0.unsafelyUnwrapped) ?? 0 } }
        if unsafe made.onError != nil {
            unsafe routine.on_error = { scheduler, error, decision, user in
                guard let scheduler = unsafe scheduler, let error = unsafe error, let decision = unsafe decision else {
                    return
                }
                unsafe script(user).onError?(scheduler, error.pointee, &decision.pointee)
            }
        }
        if unsafe made.interrupt != nil {
            unsafe routine.interrupt = { unsafe script($1).interrupt?($0.unsafelyUnwrapped) }
        }
        return unsafe routine
    }

    /// What begins a session of that routine.
    func order(
        _ index: Int = 0, waitMs: UInt64 = 0, maxCycles: UInt64 = 0, untilMs: Int64? = nil,
        onError: ErrorDefault = ErrorDefault(),
        parameters: String = "{}", isPaused: Bool = false
    ) -> WorkerCommand.Start {
        nextSession += 1
        return WorkerCommand.Start(
            slot: index, plugin: 0, routine: index, session: SessionID(rawValue: nextSession), waitMs: waitMs,
            maxCycles: maxCycles, untilMs: untilMs, onError: onError, lifetimeCycles: 7, before: 2,
            parameters: parameters, isPaused: isPaused)
    }

    /// Runs a whole session by hand, on this thread and in virtual time, and gives its end.
    func session(_ order: WorkerCommand.Start, on clock: TestClock, turns: Int = 10_000) throws -> WorkerEvent.Ended {
        let runner = context.runners[order.routine]
        try #require(runner.prepare(order))
        for _ in 0..<turns {
            guard case .due(let due) = runner.takeTurn() else { return try #require(try nextEnd()) }
            clock.advance(max(0, due - clock.boot()))
        }
        Issue.record("the session does not end")
        throw SystemError("session", "kit", number: 0)
    }

    /// The next event; nil when none comes in 20 s.
    func next() throws -> WorkerEvent? {
        while received.isEmpty {
            guard try poller.wait(milliseconds: 20_000, { _, _ in }) > 0 else { return nil }
            var failure: SystemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                do throws(SystemError) {
                    count = try unsafe supervisor.receive(into: UnsafeMutableRawBufferPointer(buffer))
                } catch { failure = error }
            }
            if let failure { throw failure }
            channel.flush()
            lines.take(bytes) { line in
                if line == .whole([]) { return }  // comes before each event
                guard case .whole(let text) = line,
                    let event = WorkerEvent(line: text)
                else {
                    Issue.record("an event that cannot be read")
                    return
                }
                received.append(event)
            }
        }
        return received.removeFirst()
    }

    /// The end of the next session that ends; log lines before it are passed over.
    func nextEnd() throws -> WorkerEvent.Ended? {
        while let event = try next() {
            if case .ended(let end) = event { return end }
        }
        return nil
    }
}

/// Waits until something holds; false after 20 s. For what gives no event of its own.
func eventually(_ condition: () -> Bool) -> Bool {
    let clock = SystemClock()
    let deadline = clock.monotonic() + 20_000_000_000
    let pause = Monitor(0)
    while !condition() {
        if clock.monotonic() > deadline { return false }
        let _: Int? = pause.wait(until: clock.monotonic() + 1_000_000) { _ in nil }
    }
    return true
}

/// Where a routine stands, as it sees it.
func place(_ scheduler: Scheduler) -> schedhost_place {
    guard let place = unsafe scheduler.pointee.host.pointee.place(scheduler) else { return unsafe schedhost_place() }
    return unsafe place.pointee
}

/// A C string as text; "NULL" for none.
func words(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer else { return "NULL" }
    return unsafe String(cString: pointer)
}

/// `#expect` for conditions over pointers, which its macro takes apart without their `unsafe`.
func expect(_ holds: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(holds, comment, sourceLocation: sourceLocation)
}
