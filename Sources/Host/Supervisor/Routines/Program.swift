internal import HostPolicy
internal import HostValues

/// A plugin whose routines can run, with all that the book needs to know of it. Immutable.
struct Program: Equatable {
    /// One routine of the plugin.
    struct Routine: Equatable {
        /// What routines share that are configured alike. It is an object, since a plugin may have 100 000 of them.
        private final class Shared: Equatable, Sendable {
            let settings: EffectiveSettings
            let content: String

            init(_ settings: EffectiveSettings, _ content: String) {
                self.settings = settings
                self.content = content
            }

            static func == (left: Shared, right: Shared) -> Bool {
                left === right || left.content == right.content && left.settings == right.settings
            }
        }

        let name: String
        private let shared: Shared

        init(name: String, settings: EffectiveSettings, content: String) {
            self.name = name
            shared = Shared(settings, content)
        }

        /// A routine that is configured like another one.
        init(name: String, like other: Routine) {
            self.name = name
            shared = other.shared
        }

        var settings: EffectiveSettings { shared.settings }
        /// Identifies the routine's content: the plugin's bytes, the ABI, and the settings in files. A change clears
        /// the failures in its policy.
        var content: String { shared.content }
    }

    /// The catalog's number for the plugin.
    var number: Int
    /// The plugin's id, with its instance.
    var name: String
    var version: String
    var build: String
    var isolation: Isolation
    /// The limits of a worker that it shares with other plugins.
    var sharedLimits: WorkerLimits
    /// The order to load it; key and limits are set for each routine.
    var load: Load
    var routines: [Routine]

    /// The key of the worker that runs a routine, or a part of it.
    func key(of routine: Int, _ shard: RoutineShard? = nil) -> WorkerKey {
        if let shard { return .shard(number, routine, shard: shard.index) }
        return switch isolation {
        case .plugin: .plugin(number)
        case .routine: .routine(number, routine)
        case .shared: .shared
        }
    }

    /// What people call a routine, or a part of it.
    func name(of routine: Int, _ shard: RoutineShard?) -> String {
        shard.map { $0.name(of: routines[routine].name) } ?? routines[routine].name
    }

    /// All that has sessions of its own: routines, and parts of routines, by `plugin/routine`.
    var parts: [(identifier: String, settings: EffectiveSettings)] {
        var parts: [(identifier: String, settings: EffectiveSettings)] = []
        for index in routines.indices {
            let settings = routines[index].settings
            for shard in settings.shards {
                parts.append((identifier: "\(name)/\(name(of: index, shard))", settings: settings))
            }
        }
        return parts
    }

    /// The limits of its workers.
    var limits: [WorkerLimits] {
        switch isolation {
        case .plugin: [routines.first?.settings.limits ?? sharedLimits]
        case .routine: routines.map(\.settings.limits)
        case .shared: [sharedLimits]
        }
    }

    /// The order to load it in the worker that runs a routine, or a part of it.
    func load(for routine: Int, _ shard: RoutineShard? = nil) -> Load {
        var load = load
        load.key = key(of: routine, shard)
        switch isolation {
        case .plugin:
            load.limits = routines.first?.settings.limits ?? sharedLimits
            load.home = .plugin(name)
        case .routine:
            load.limits = routines[routine].settings.limits
            load.home = .routine(plugin: name, routine: routines[routine].name)
        case .shared:
            load.limits = sharedLimits.naming(routines.first?.settings.limits.sandbox ?? SandboxSettings())
            load.home = .everybody
        }
        return load
    }
}

/// A plugin in the book, with its routines.
final class ProgramEntry {
    var program: Program
    var routines: [RoutineEntry] = []
    /// How many of its routines are in a session.
    var sessions = 0
    /// Whether its file is gone or was replaced, and what runs of it is ending.
    var isRetired = false

    init(_ program: Program) { self.program = program }

    /// Gives up its routines, which refer to it: the two would keep each other in memory for as long as the host runs.
    func takeRoutines() -> [RoutineEntry] {
        defer { routines = [] }
        return routines
    }
}
