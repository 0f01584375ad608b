internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// A worker that a check drives step by step, waiting a short time for each answer.
final class CheckWorker {
    /// The reason why a check cannot continue, as a sentence.
    struct Fault: Error {
        let text: String
    }

    /// The resources that a process holds.
    struct ResourceUsage {
        var descriptors: Int
        var threads: Int
        /// Private memory in KiB.
        var memory: Int

        /// The growth since `before`; 0 where it does not exceed what is allowed without being called a leak.
        func growth(since before: ResourceUsage, freeThreads: Int, freeMemory: Int) -> ResourceUsage {
            func beyond(_ free: Int, _ now: Int, _ then: Int) -> Int { now - then > free ? now - then : 0 }
            return ResourceUsage(
                descriptors: beyond(0, descriptors, before.descriptors),
                threads: beyond(freeThreads, threads, before.threads), memory: beyond(freeMemory, memory, before.memory)
            )
        }

        /// The smaller value of each resource.
        func least(_ other: ResourceUsage) -> ResourceUsage {
            ResourceUsage(
                descriptors: min(descriptors, other.descriptors), threads: min(threads, other.threads),
                memory: min(memory, other.memory))
        }

        /// Whether nothing has grown.
        var isNone: Bool { descriptors == 0 && threads == 0 && memory == 0 }
    }

    private let loop: EventLoop
    private let clock: any HostClock
    private let file: PluginFile
    private let path: String
    private let state: String
    private let link: WorkerLink
    private let inbox: Inbox
    private let watch: SandboxWatch?
    private var sessions = SessionIDGenerator()

    /// What the worker has reported. Used on the loop's thread only.
    private final class Inbox {
        var isLoaded = false
        var refusal: String?
        var ended: WorkerEvent.Ended?
        var store: StoreState?
        var answer: (id: UInt64, StoreAnswer)?
        var hasSaidGoodbye = false
        var isSpoiled = false
        var end: ProcessEnd?
    }

    /// Starts a worker for a plugin in a folder, with its state in `state`. With `watch`, its sandbox allows
    /// everything, and what it does is noted.
    init(
        _ file: PluginFile, in folder: String, state: String, clock: any HostClock, watch: SandboxWatch? = nil,
        settings: SandboxSettings = SandboxSettings()
    ) throws(SystemError) {
        self.watch = watch
        self.clock = clock
        self.file = file
        self.state = state
        path = folder.contains("/") ? folder + "/" + file.name : "./" + folder + "/" + file.name
        loop = try EventLoop(clock: clock)
        let inbox = Inbox()
        self.inbox = inbox
        let data = HostProcess.absolute(try Directory(state).directory("data", create: true).path)
        var setup = WorkerLink.Setup(
            name: file.name, ledgerName: "", crashReport: nil,
            logLevel: LogLevel.critical.number, limits: WorkerLimits(),
            libraries: LibraryPath.search(for: file, in: folder),
            variables: [CheckMode.variable + "=1", "SCHEDHOST_DATA=" + data, "TMPDIR=" + data])
        setup.limits.sandbox = settings
        if watch == nil {
            ProbeSandbox.confine(&setup, file: file, in: folder, own: [HostProcess.absolute(state)])
        } else {
            setup.limits.sandbox.level = .on
            setup.sandbox = .made(
                Confinement(policy: try PolicyMemory(SandboxPolicy(watching: settings).bytes), ruleset: nil))
        }
        link = try WorkerLink(
            setup,
            ledger: try WorkerLedger(), loop: loop, clock: clock
        ) { report in
            switch report {
            case .event(.loaded): inbox.isLoaded = true
            case .event(.refused(_, let stage, let text)):
                inbox.refusal = stage == .load ? "its load failed: \(text)" : text
            case .event(.ended(let ended)): inbox.ended = ended
            case .event(.store(.up(let link))): inbox.store = .up(link)
            case .event(.store(.down(let text))): inbox.store = .down(text)
            case .event(.store(.stored(let id, let answer))): inbox.answer = (id, answer)
            case .event(.goodbye): inbox.hasSaidGoodbye = true
            case .died(let end): inbox.end = end
            case .garbage: inbox.isSpoiled = true
            case .event, .output, .flood, .channelAbused, .left, .stuck: break
            }
        }
        try watch?.follow(link.pid)
    }

    deinit {
        // Kills the worker and waits for its end, so that nothing outlives the check.
        link.signal(Signals.kill)
        _ = try? wait(2000) { inbox.end != nil }
        watch?.stop()
    }

    // MARK: Steps

    /// Loads the plugin for running, with these parameters.
    func load(parameters: String) throws {
        link.send(
            .load(
                WorkerCommand.Load(
                    plugin: 0, path: path, name: file.name, parameters: parameters,
                    isForRunning: true, build: file.buildID, caches: .init(state, .all))))
        let isMet = try wait(5000) { inbox.isLoaded || inbox.refusal != nil }
        if let refusal = inbox.refusal { throw Fault(text: explained(refusal)) }
        guard isMet else { throw fault("load", limit: 5000) }
    }

    /// Starts a session.
    func start(_ routine: Int, wait: UInt64, cycles: UInt64, parameters: String) throws {
        inbox.ended = nil
        guard let slot = try link.slot(plugin: 0, routine: routine) else {
            throw Fault(text: "it has too many routines")
        }
        let wall = clock.wallMilliseconds()
        link.send(
            .start(
                WorkerCommand.Start(
                    slot: slot, plugin: 0, routine: routine, session: sessions.next(milliseconds: wall), waitMs: wait,
                    maxCycles: cycles, untilMs: nil, onError: ErrorDefault(attempts: 1), lifetimeCycles: 0, before: 1,
                    parameters: parameters, isPaused: false)))
    }

    /// Waits for the session's end; nil if it does not come within `limit` ms.
    func ended(_ what: String, within limit: Int64) throws -> WorkerEvent.Ended? {
        _ = try wait(limit) { inbox.ended != nil }
        if inbox.ended == nil, inbox.end != nil { throw fault(what, limit: limit) }
        return inbox.ended
    }

    /// Waits until the session has completed a cycle; returns false if none is completed within `limit` ms.
    func hasCycled(_ routine: Int, what: String, within limit: Int64) throws -> Bool {
        guard let slot = try link.slot(plugin: 0, routine: routine) else { return false }
        let deadline = clock.monotonic() + limit * 1_000_000
        while clock.monotonic() < deadline {
            if inbox.ended != nil || link.snapshot(slot: slot)?.cycle ?? 0 > 0 { return true }
            _ = try wait(5) { inbox.end != nil }
            if inbox.end != nil { throw fault(what, limit: limit) }
        }
        return false
    }

    /// Asks the session to stop.
    func stop(_ routine: Int) throws {
        link.send(.stop(slot: try link.slot(plugin: 0, routine: routine) ?? -1))
    }

    // MARK: Its store

    /// What became of the connection to the plugin's store.
    enum StoreState {
        case up(StoreLink)
        case down(String)
    }

    /// How long a store may take for a request, ms.
    private static let storeMs: Int64 = 5000

    /// Connects to the store that the plugin offers, for keys that begin so.
    func openStore(prefix: String) throws -> StoreState {
        inbox.store = nil
        link.send(.store(.open(prefix: prefix, timeoutMs: UInt64(Self.storeMs))))
        _ = try wait(Self.storeMs + 3000) { inbox.store != nil }
        guard let state = inbox.store else { throw fault("the store's open", limit: Self.storeMs) }
        return state
    }

    /// Asks the store by that connection.
    func ask(_ request: StoreRequest) throws -> StoreAnswer {
        let id = (inbox.answer?.id ?? 0) + 1
        link.send(.store(.ask(id, request)))
        _ = try wait(Self.storeMs + 3000) {
            if case .down = inbox.store { return true }
            return inbox.answer?.id == id
        }
        if let answer = inbox.answer, answer.id == id { return answer.1 }
        if case .down(let text) = inbox.store { throw Fault(text: "its store fails: \(text)") }
        throw fault("the store", limit: Self.storeMs)
    }

    /// Unloads the plugin and ends the worker.
    func quit() throws {
        link.send(.quit)
        _ = try wait(3000) { inbox.end != nil }
        guard let end = inbox.end else { throw fault("unload", limit: 3000) }
        if !inbox.hasSaidGoodbye || end != .exited(0) { throw fault("unload", limit: 3000) }
        if inbox.isSpoiled { throw Fault(text: "it wrote on a descriptor that is not its own: the host's channel") }
    }

    // MARK: Resources

    /// The resources that the worker's process holds now. proc(5).
    var holdings: ResourceUsage {
        let folder = "/proc/\(link.pid)"
        func count(_ name: String) -> Int { (try? Directory(folder + "/" + name).names().count) ?? 0 }
        var memory = 0
        if let bytes = try? Directory(folder).openForReading("smaps_rollup").readAll(limit: 1 << 20, subject: folder) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("Anonymous:")
            {
                memory = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            }
        }
        return ResourceUsage(descriptors: count("fd"), threads: count("task"), memory: memory)
    }

    // MARK: Waiting

    /// Runs the loop until a condition holds, for at most `limit` ms.
    private func wait(_ limit: Int64, _ condition: () -> Bool) throws(SystemError) -> Bool {
        let deadline = clock.monotonic() + limit * 1_000_000
        var isMet = false
        try loop.run { now in
            isMet = condition()
            if isMet || inbox.end != nil || now >= deadline { loop.stop() }
            return deadline
        }
        return isMet
    }

    /// The reason why a step did not complete.
    func fault(_ what: String, limit: Int64) -> Fault {
        guard let end = inbox.end else {
            return Fault(text: "\(what) does not return within \(DurationText.format(milliseconds: limit))")
        }
        var text = "the worker died in \(what): \(end)"
        if let place { text += " at \(place)" }
        if case .signaled = end {
            text += "; where it calls what a newer host offers, it must ask SCHEDHOST_HAS first"
        }
        let words = link.lastWords(now: clock.monotonic())
        return Fault(text: words.isEmpty ? text : text + ": " + words)
    }

    /// The text of an error, with what the sandbox has to do with it.
    func explained(_ text: String) -> String { text + SandboxRefusal.suffix(link.crash?.refusals ?? [], of: text) }

    /// The plugin's innermost function at its death.
    private var place: String? {
        guard let frame = link.crash?.frames.first(where: { $0.image == file.name }) else { return nil }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard let directory = try? Directory(folder),
            let image = try? directory.openForReading(file.name, followLink: true)
        else { return nil }
        return FunctionNames.names(at: [frame.offset], in: image).first.flatMap { $0 }
    }
}
