import HostValues
import Testing

/// One misdeed of the fixtures, and what the host must make of it.
struct Misdeed: Sendable, CustomTestStringConvertible {
    /// What must be known of the place.
    enum Place: Sendable, Equatable {
        case unknown
        /// At least the plugin's function.
        case function
        /// Function, file and line.
        case line
    }

    var plugin = "faulty"
    let name: String
    /// The kinds that its record may have; the first is the usual one.
    var kinds: [SessionEnd] = [.crash]
    var signal: String?
    /// The cycle in the record; nil: none.
    var cycle: UInt64? = 3
    var phase: String? = "routine"
    var place = Place.unknown
    /// The function, where its name is not the misdeed's.
    var function: String?
    /// How long its callbacks may take.
    var timeoutMs = 400
    /// More of the plugin's configuration.
    var settings = ""
    var parameters = ""
    /// What stands in the record's text.
    var text = ""
    /// Whether a session follows.
    var restarts = true
    /// The variable for misdeeds that happen before there are parameters.
    var isInEnvironment = false
    /// What the log must say.
    var log = ""

    var testDescription: String { "\(plugin) \(name)" }

    /// The name of the function that a report must show.
    var site: String { function ?? "misdeed_" + name.replacing("-", with: "_") }

    private static func crash(_ name: String, _ signal: String, _ place: Place, text: String = "") -> Misdeed {
        Misdeed(name: name, signal: signal, place: place, text: text)
    }

    private static func swift(_ name: String, _ place: Place, text: String) -> Misdeed {
        // The runtime ends the process by an instruction that the processor does not have, or that is for debuggers.
        Misdeed(plugin: "faulty-swift", name: name, place: place, text: text)
    }

    private static func exit(_ name: String, _ text: String) -> Misdeed {
        Misdeed(name: name, kinds: [.exit], text: text)
    }

    private static func hang(_ name: String, _ place: Place) -> Misdeed {
        Misdeed(name: name, kinds: [.timeout], place: place)
    }

    /// What goes on after it, and is stopped with the host.
    private static func harmless(_ name: String, settings: String = "", parameters: String = "") -> Misdeed {
        Misdeed(
            name: name, kinds: [.stopped], cycle: nil, phase: nil, settings: settings, parameters: parameters,
            restarts: false)
    }

    /// In the callback of that phase: a crash, and a hang.
    private static func callback(_ name: String, phase: String, cycle: UInt64, settings: String = "") -> [Misdeed] {
        [
            Misdeed(
                name: name, signal: "SIGSEGV", cycle: cycle, phase: phase, place: .line, settings: settings),
            Misdeed(
                name: "hang-" + name, kinds: [.timeout], cycle: cycle, phase: phase, place: .function,
                settings: settings),
        ]
    }

    private static let faults: [Misdeed] = [
        crash("segv", "SIGSEGV", .line),
        crash("abort", "SIGABRT", .line),
        crash("ill", "SIGILL", .line),
        crash("stack-overflow", "SIGSEGV", .function),
        crash("double-free", "SIGABRT", .line, text: "double free"),
        crash("longjmp", "SIGSEGV", .unknown),
        crash("kill", "SIGKILL", .unknown),
        Misdeed(
            plugin: "faulty-cxx", name: "cxx-throw", signal: "SIGABRT", place: .function, text: "thrown across the ABI"),
        Misdeed(plugin: "faulty-cxx", name: "cxx-bounds", signal: "SIGABRT", place: .function),
        swift("swift-fatal", .line, text: "fatal on purpose in cycle 3"),
        swift("swift-bounds", .line, text: "Index out of range"),
        swift("swift-unwrap", .line, text: "unexpectedly found nil"),
        swift("overflow", .line, text: ""),
        Misdeed(plugin: "faulty-swift", name: "swift-throw", kinds: [.error], text: "thrown in cycle 3"),
        Misdeed(
            plugin: "faulty-swift", name: "swift-main-actor", kinds: [.error], phase: "cache",
            timeoutMs: 20_000, text: "ask this cache outside of the main actor"),
        Misdeed(name: "error", kinds: [.error], text: "a plain failure in cycle 3"),
        exit("exit0", "exit status 0"),
        exit("exit3", "exit status 3"),
        exit("_exit0", "exit status 0"),
        exit("quick-exit", "exit status 4"),
        exit("pthread-exit", "pthread_exit"),
        exit("execve", "it executed another program"),
    ]

    private static let hangs: [Misdeed] = [
        hang("loop", .line),
        hang("sleep", .line),
        hang("deadlock", .line),
        hang("sigstop", .unknown),
        hang("block-signals-loop", .unknown),
        hang("ignore-sigterm", .line),
    ]

    /// 1 GB of lines; a debug build takes its time for them.
    private static let flood: Misdeed = {
        var misdeed = harmless("log-flood", parameters: "bound: 1024")
        misdeed.timeoutMs = 60_000
        return misdeed
    }()

    private static let resources: [Misdeed] = [
        Misdeed(
            name: "memory", signal: "SIGSEGV", place: .function, settings: "limits: { memory_mb: 100 }"),
        Misdeed(
            // Root is bounded where there is a control group to be had only.
            name: "threads", kinds: [.error, .stopped], cycle: nil, phase: nil, settings: "limits: { processes: 100 }",
            parameters: "bound: 10000", restarts: false),
        harmless("descriptors", settings: "limits: { open_files: 64 }"),
        Misdeed(
            name: "close-all", kinds: [.exit], cycle: 4, phase: nil, text: "the plugin closed the worker's descriptors"),
        Misdeed(name: "fork-children", kinds: [.exit], text: "exit status 5"),
        harmless("fork-bomb", settings: "limits: { processes: 20 }"),
        Misdeed(name: "scribble-ledger", signal: "SIGBUS", place: .function, function: "scribble"),
        crash("scribble-kill", "SIGKILL", .unknown),
        hang("scribble-loop", .line),
        Misdeed(
            name: "scribble-both", signal: "SIGKILL", cycle: nil, phase: nil,
            text: "what it had counted was overwritten"),
        harmless("garbage-events"),
        flood,
        harmless("log-huge"),
        harmless("environment"),
        harmless("setpriority"),
    ]

    private static let callbacks: [Misdeed] =
        callback("start", phase: "start", cycle: 0) + callback("on-error", phase: "hook", cycle: 3)
        + callback("stats", phase: "stats", cycle: 8, settings: "max_cycles: 8")
        + callback("stop", phase: "stop", cycle: 8, settings: "max_cycles: 8")

    /// Before the first session and after the last one.
    private static let around: [Misdeed] = [
        Misdeed(name: "load", signal: "SIGSEGV", cycle: nil, phase: "load", place: .line, restarts: false),
        Misdeed(name: "hang-load", kinds: [.timeout], cycle: nil, phase: "load", place: .function, restarts: false),
        Misdeed(
            name: "constructor", signal: "SIGSEGV", cycle: nil, phase: "load", place: .line, restarts: false,
            isInEnvironment: true),
        Misdeed(
            name: "hang-constructor", kinds: [.timeout], cycle: nil, phase: "load", place: .function, restarts: false,
            isInEnvironment: true),
        Misdeed(
            name: "unload", kinds: [.maxCycles], cycle: nil, phase: nil, settings: "max_cycles: 8", restarts: false,
            log: "misdeed_unload"),
        Misdeed(
            name: "hang-unload", kinds: [.maxCycles], cycle: nil, phase: nil, settings: "max_cycles: 8",
            restarts: false, log: "did not end in order"),
        Misdeed(
            name: "destructor", kinds: [.maxCycles], cycle: nil, phase: nil, settings: "max_cycles: 8",
            restarts: false, isInEnvironment: true, log: "misdeed_destructor"),
        Misdeed(
            name: "hang-destructor", kinds: [.maxCycles], cycle: nil, phase: nil, settings: "max_cycles: 8",
            restarts: false, isInEnvironment: true, log: "did not end in order"),
    ]

    /// All of them.
    static let all = faults + hangs + resources + callbacks + around
}
