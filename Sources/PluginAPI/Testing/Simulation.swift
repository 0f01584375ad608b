@_exported public import PluginAPI

/// A plugin that is run in virtual time, in the test's own process: a month of it in a moment.
///
///     @Test func itAsksTheServerTwiceAMinute() throws {
///         var simulation = Simulation(plugin, "snapshot")
///         simulation.replace(prices) { [42.0, 43.5] }
///         let run = try simulation.run(for: .days(30))
///         #expect(run.cycles == 518_400)
///         #expect(run.counts(of: prices).loads == 86_400)
///     }
///
/// It runs as `schedhost try --for` runs it, with the same engine: waits, `Scheduler.sleep`, `nowMilliseconds`, the ages of
/// cached values, retries, restarts and schedules all go by a clock that jumps to what is due next, and a run is the same each
/// time. What a plugin asks the system itself is of the real time. Before each run the plugin is loaded, and after it unloaded,
/// but its process stays: globals keep what they have.
///
/// Simulations of one process wait for each other, so that tests may run side by side. A test whose plugin has `async` cycles is
/// best `async` itself, and says `try await simulation.run(for:)`: it does not hold a thread of Swift's pool then. What a plugin does
/// on the main actor runs on that of the test's process, so such a test that is on the main actor itself must say so.
public struct Simulation: Sendable {
    let plugin: Plugin
    let routines: [String]
    var parameters: [String: String] = [:]
    var replacements: [@Sendable (inout Rehearsal) -> Void] = []
    var faults: [CycleFault] = []
    /// The routines that these are about.
    var named: [String] = []

    /// When virtual time begins, such as "2026-10-24T00:00:00Z".
    public var start: String
    /// What a configuration beside the plugin would say, as JSON5: `{ wait_ms: 1000, restart: { … } }`; nil for none.
    public var configuration: String?
    /// Where random numbers come from, such as those of back-offs: the same for the same seed.
    public var seed: UInt64 = 1
    /// After how many cycles a session ends; nil: as the routine and its configuration say.
    public var maxCycles: UInt64?
    /// The least level of lines that are logged.
    public var logLevel = Log.Level.info
    /// Whether it ends with the first session that fails.
    public var endsWithFailure = false
    /// The folder in which disk caches stay, so that another simulation finds them; nil: one that is removed at the end.
    public var state: String?

    /// A plugin, of which these routines run; without names, all of them.
    public init(_ plugin: Plugin, _ routines: String..., start: String = "2026-01-01T00:00:00Z") {
        self.plugin = plugin
        self.routines = routines
        self.start = start
    }

    /// The value that a parameter has in this simulation; reading gives what was set, else its default.
    public subscript<Value: ParameterValue>(parameter: Parameter<Value>) -> Value {
        get { parameters[parameter.name].flatMap { Value(parameterText: $0) } ?? parameter.defaultValue }
        set { parameters[parameter.name] = newValue.parameterText }
    }

    /// Sets a parameter by its name, as a configuration would.
    public mutating func set(_ name: String, to value: some ParameterValue) {
        parameters[name] = value.parameterText
    }

    // MARK: It runs

    /// Runs it for so long, and gives what came of it. Throws a `SimulationError` where it cannot run.
    ///
    /// On the main actor, and on the process's main thread, a plugin with `async` cycles is refused: one that waits for the main
    /// actor would wait for ever, since the caller holds it. `isolation` is where the caller is, and has its right value by itself.
    public func run(for length: Duration, isolation: (any Actor)? = #isolation) throws -> SimulationRun {
        if hasAsyncCycles, isolation === MainActor.shared || Engine.isOnMainThread {
            throw SimulationError(
                "a plugin with async cycles may wait for the main actor, which this call would hold meanwhile: make the test "
                    + "async, and say try await simulation.run(for:)")
        }
        return try Engine.wait { try simulate(length) }
    }

    /// The same, while the calling task waits and holds no thread.
    public func run(for length: Duration) async throws -> SimulationRun {
        try await Engine.result { try simulate(length) }
    }

    /// Whether a routine that runs has cycles that wait.
    private var hasAsyncCycles: Bool {
        unsafe RehearsedPlugin.routines(of: plugin).contains { routine in
            let isMeant = unsafe routines.isEmpty || routines.contains(String(cString: routine.pointee.name))
            return unsafe isMeant && routine.pointee.interrupt != nil
        }
    }

    private func simulate(_ length: Duration) throws -> SimulationRun {
        let known = RehearsedPlugin.routineNames(of: plugin)
        if let unknown = named.first(where: { !known.contains($0) }) {
            throw SimulationError(
                "the plugin has no routine \"\(unknown)\", which something is to happen to; it has: "
                    + known.joined(separator: ", "))
        }
        var rehearsal = Rehearsal()
        for replace in replacements { replace(&rehearsal) }
        for fault in faults { fault.enter(&rehearsal) }
        return try Engine.run(plugin, SimulationOrder(self, length), rehearsal)
    }
}

/// Why a simulation did not run.
public struct SimulationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and the mend.
    public let description: String

    init(_ description: String) { self.description = description }
}

extension Duration {
    /// So many minutes.
    public static func minutes(_ minutes: some BinaryInteger) -> Duration { .seconds(Int64(minutes) * 60) }
    /// So many hours.
    public static func hours(_ hours: some BinaryInteger) -> Duration { .seconds(Int64(hours) * 3600) }
    /// So many days of 24 hours.
    public static func days(_ days: some BinaryInteger) -> Duration { .seconds(Int64(days) * 86_400) }
}

extension ParameterValue {
    /// As a configuration has it.
    fileprivate var parameterText: String { String(describing: self) }

    fileprivate init?(parameterText: String) {
        let value: (any ParameterValue)? =
            switch Self.self {
            case is String.Type: parameterText
            case is Int.Type: Int(parameterText)
            case is Double.Type: Double(parameterText)
            case is Bool.Type: Bool(parameterText)
            default: nil
            }
        guard let own = value as? Self else { return nil }
        self = own
    }
}
