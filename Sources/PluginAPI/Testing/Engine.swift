internal import Glibc
internal import Synchronization

/// The library that runs plugins in virtual time: what `schedhost try` has inside, in the test's process. It is loaded by the first
/// simulation, and has Swift's libraries inside of it, so that it does for any compiler.
enum Engine {
    private typealias Take = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, Int) -> Void
    private typealias Entry =
        @convention(c) (UnsafeRawPointer?, UnsafePointer<CChar>?, Take?, UnsafeMutableRawPointer?) -> Int32

    @safe private struct Loaded: @unchecked Sendable {
        // @unchecked: a function of a library that is never unloaded.
        let entry: Entry
    }

    private static let symbol = "schedhost_trial_v1"
    private static let file = "libschedhost-trial.so"
    private static let loaded = Result { () throws(SimulationError) in try load() }
    /// Who holds it runs a simulation: the plugin's globals and what is replaced belong to the whole process.
    private static let turn = Mutex<Void>(())

    /// Runs a plugin on the calling thread, when no other one is running.
    static func run(_ plugin: Plugin, _ order: SimulationOrder, _ rehearsal: Rehearsal) throws -> SimulationRun {
        let engine = try loaded.get()
        let (status, answer) = turn.withLock { _ in
            rehearsal.perform {
                var answer: [UInt8] = []
                let status = unsafe withUnsafeMutablePointer(to: &answer) { answer in
                    unsafe engine.entry(
                        RehearsedPlugin.descriptor(of: plugin), order.json,
                        { answer, bytes, count in
                            guard let answer = unsafe answer else { return }
                            let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
                            unsafe answer.assumingMemoryBound(to: [UInt8].self).pointee = unsafe Array(bytes)
                        }, answer)
                }
                return (status, answer)
            }
        }
        if status != 0 { throw SimulationError(String(decoding: answer, as: UTF8.self)) }
        return SimulationRun(try Summary(json: answer))
    }

    // MARK: The library

    private static func load() throws(SimulationError) -> Loaded {
        var tried: [String] = []
        for path in places where unsafe access(path, R_OK) == 0 {
            guard let library = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
                tried.append(unsafe String(cString: dlerror()))
                continue
            }
            guard let entry = unsafe dlsym(library, symbol) else {
                tried.append("\(path): it has no \(symbol): install the schedhost that this package belongs to")
                continue
            }
            return unsafe Loaded(entry: unsafeBitCast(entry, to: Entry.self))
        }
        throw SimulationError(
            tried.first
                ?? "\(file) is not there: install schedhost, or name the file in SCHEDHOST_TRIAL_LIBRARY; looked for at "
                + places.joined(separator: ", "))
    }

    /// Where it may be, the first place first.
    private static var places: [String] {
        if let named = unsafe getenv("SCHEDHOST_TRIAL_LIBRARY") { return unsafe [String(cString: named)] }
        // This file is PREFIX/share/schedhost/PluginAPI/Testing/Engine.swift in an installation, and in the sources' tree the
        // library is built beside the tests.
        let installed = folder(of: #filePath, up: 5) + "/lib/schedhost"
        let beside = folder(of: executable, up: 1)
        return [installed, beside, "/usr/local/lib/schedhost", "/usr/lib/schedhost"].map { $0 + "/" + file }
    }

    private static func folder(of path: String, up count: Int) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast(count).joined(separator: "/")
    }

    private static var executable: String { target(of: "/proc/self/exe") }

    /// Whether the calling thread is the process's first one, which has the number of the process.
    static var isOnMainThread: Bool { target(of: "/proc/thread-self").hasSuffix("/\(getpid())") }

    private static func target(of link: String) -> String {
        let most = Int(PATH_MAX)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: most) { path in
            guard let start = path.baseAddress else { return "" }
            let count = unsafe readlink(link, start, most)
            return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: max(0, count)), as: UTF8.self)
        }
    }

    // MARK: Threads

    /// What a thread is to do.
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Stack of a plugin's threads in a host, bytes: more than a thread of Swift's pool has.
    private static let stack = 8 << 20

    /// Where a thread leaves what it has made.
    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    /// Does it on a thread of its own, and waits there.
    static func wait<Value: Sendable>(for body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        let thread = try start {
            let result = Result { try body() }
            outcome.result.withLock { $0 = result }
        }
        pthread_join(thread, nil)
        guard let result = outcome.result.withLock({ $0 }) else { throw SimulationError("its thread gave no result") }
        return try result.get()
    }

    /// Does it on a thread of its own, while the task waits.
    static func result<Value: Sendable>(of body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            do {
                let thread = try start { continuation.resume(with: Result { try body() }) }
                pthread_detach(thread)
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) throws(SimulationError) -> pthread_t {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stack)
        var thread = pthread_t()
        let work = unsafe Unmanaged.passRetained(Work(body))
        let code = unsafe pthread_create(
            &thread, &attributes,
            { work in
                if let work = unsafe work { unsafe Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        if code != 0 {
            unsafe work.release()
            throw SimulationError("no room for another thread (\(code))")
        }
        return thread
    }
}
