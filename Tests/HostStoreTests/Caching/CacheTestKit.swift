import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization

/// A clock that stands still until it is moved.
final class TestClock: HostClock {
    private let times = Mutex(
        (boot: BootTime(nanoseconds: 1_000_000_000_000), wall: WallTime(nanoseconds: 1_700_000_000_000_000_000)))

    func boot() -> BootTime { times.withLock { $0.boot } }
    func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: boot().nanoseconds) }
    func wall() -> WallTime { times.withLock { $0.wall } }

    func advance(_ nanoseconds: Int64) {
        times.withLock {
            $0.boot += nanoseconds
            $0.wall += nanoseconds
        }
    }

    /// Somebody sets the wall clock.
    func step(_ nanoseconds: Int64) { times.withLock { $0.wall += nanoseconds } }

    /// The machine starts again, and has been up for `uptime`.
    func reboot(uptime: Int64) { times.withLock { $0.boot = BootTime(nanoseconds: uptime) } }
}

/// Something that several threads change.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }
    func change(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// A worker as the caches see one: it can be restarted on the same disk.
final class CacheWorld {
    enum Model: String, CaseIterable, Sendable { case memory, disk }

    let clock = TestClock()
    let disk = MemoryFolder.Disk()
    let events = Shared<[CacheEvent]>([])
    var boot = "11111111-2222-3333-4444-555555555555"
    var machine = "0123456789abcdef0123456789abcdef"
    var bootOffset: Int64 = 0
    var origin: CacheOrigin { CacheOrigin(machine: machine, boot: boot, bootOffset: bootOffset) }
    var budget = CacheBudget()
    var settings = CacheSettings()
    /// Work that the caches put in the background, for the test to run.
    let background = Shared<[@Sendable () -> Void]>([])
    /// Whether the routine was asked to stop, and whether its session ends.
    let isStopAsked = Shared(false)
    let endsRefreshes = Shared(false)
    private(set) lazy var namespace = makeNamespace()

    func makeNamespace() -> CacheNamespace {
        CacheNamespace(
            plugin: "plugin", routine: "routine", budget: budget,
            place: CachePlace(
                MemoryFolder(disk), of: .state, settings: settings, build: "build-1",
                elsewhere: { [disk] path throws(SystemError) in
                    var folder: any CacheFolder = MemoryFolder(disk)
                    for part in (path.isAbsolute ? ["root"] : ["data", "plugin"]) + path.parts {
                        folder = try folder.folder(part, create: true)
                    }
                    return folder
                }),
            environment: CacheEnvironment(
                clock: clock, origin: origin, jitter: { 0 },
                background: { [background] work in
                    background.change { $0.append(work) }
                    return true
                },
                endsRefreshes: { [endsRefreshes] in endsRefreshes.value },
                isStopAsked: { [isStopAsked] in isStopAsked.value },
                report: { [events] event in events.change { $0.append(event) } }))
    }

    func restart() {
        disk.restart()
        namespace = makeNamespace()
    }

    func runBackground() {
        let work = background.value
        background.change { $0 = [] }
        for one in work { one() }
    }

    func cache(_ model: Model, _ options: CacheOptions, name: String = "name") throws -> HostCache {
        try namespace.open(name, options, isOnDisk: model == .disk).get()
    }
}

/// A source that gives bytes, or fails.
func source(_ bytes: [UInt8]?, calls: (() -> Void)? = nil) -> CacheSource {
    { _, writer in
        calls?()
        guard let bytes else { return CacheSourceFailure(code: 7, text: "no network") }
        return unsafe bytes.withUnsafeBytes { unsafe writer.write($0) } ? nil : CacheSourceFailure(code: 1, text: "")
    }
}

extension HostCache {
    func put(_ bytes: [UInt8], key: [UInt8] = [], byCallback: Bool = false) -> Result<Void, CacheFailure> {
        unsafe bytes.withUnsafeBytes { unsafe put($0, key: key, byCallback: byCallback) }
    }
}

extension Result where Success == ServedValue, Failure == CacheFailure {
    var bytes: [UInt8]? { if case .success(let answer) = self { answer.value.array } else { nil } }
    var state: ServedValue.State? { if case .success(let answer) = self { answer.state } else { nil } }
    var error: CacheFailure? { if case .failure(let error) = self { error } else { nil } }
}

extension Result<Void, CacheFailure> {
    var isDone: Bool { if case .success = self { true } else { false } }
}

extension TestDirectory {
    /// The caches of a routine with their files here, and with the folders that they name in `data/PLUGIN`.
    func namespace(_ plugin: String, _ routine: String, _ clock: any HostClock) throws -> CacheNamespace {
        CacheNamespace(
            plugin: plugin, routine: routine, budget: CacheBudget(),
            place: CachePlace(
                SystemCacheFolder(try directory(), clock: clock), of: .state,
                elsewhere: { [self] path throws(SystemError) in
                    var folder = try directory().directory("data", create: true)
                    for part in [plugin] + path.parts { folder = try folder.directory(part, create: true) }
                    return SystemCacheFolder(folder, clock: clock)
                }),
            environment: CacheEnvironment(clock: clock))
    }
}
