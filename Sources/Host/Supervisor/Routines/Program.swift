internal import HostPolicy

/// A plugin whose routines can run: what the book needs to know of it. It does not change.
struct Program: Equatable {
    /// One routine of it.
    struct Routine: Equatable {
        var name: String
        var settings: EffectiveSettings
        /// What decides whether it is still the same: its plugin's bytes, the ABI, and what files configure for it.
        var content: String
    }

    /// The catalog's number for it.
    var number: Int
    /// The plugin's id.
    var name: String
    var version: String
    var build: String
    var isolation: Isolation
    /// The limits of a worker that it shares with others.
    var sharedLimits: WorkerLimits
    /// The order to load it: key and limits are filled in for each routine.
    var load: Load
    var routines: [Routine]

    /// Where a routine runs.
    func key(of routine: Int) -> WorkerKey {
        switch isolation {
        case .plugin: .plugin(number)
        case .routine: .routine(number, routine)
        case .shared: .shared
        }
    }

    /// The limits of its workers.
    var limits: [WorkerLimits] {
        switch isolation {
        case .plugin: [routines.first?.settings.limits ?? sharedLimits]
        case .routine: routines.map(\.settings.limits)
        case .shared: [sharedLimits]
        }
    }

    /// The order to load it where a routine runs.
    func load(for routine: Int) -> Load {
        var load = load
        load.key = key(of: routine)
        switch isolation {
        case .plugin:
            load.limits = routines.first?.settings.limits ?? sharedLimits
            load.home = .plugin(name)
        case .routine:
            load.limits = routines[routine].settings.limits
            load.home = .routine(plugin: name, routine: routines[routine].name)
        case .shared:
            load.limits = sharedLimits.naming(routines.first?.settings.namedPaths ?? [])
            load.home = .everybody
        }
        return load
    }
}

/// A plugin in the book, with its routines.
final class ProgramEntry {
    var program: Program
    var routines: [RoutineEntry] = []
    /// Its file is gone or another one: what runs of it is ending.
    var isRetired = false

    init(_ program: Program) { self.program = program }
}
