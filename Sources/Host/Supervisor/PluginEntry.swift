internal import HostCore
internal import HostSystem

/// One plugin file of the directory, as the supervisor knows it.
final class PluginEntry {
    /// Where it stands.
    enum State: Equatable {
        /// Its description is awaited.
        case describing
        /// Its routines are known.
        case ready
        /// It is no plugin, or cannot be loaded: why.
        case refused(String)
        /// Its file is gone.
        case removed
    }

    let number: Int
    /// The file's name in the directory.
    let fileName: String
    /// What was found in it.
    var file: PluginFile
    /// What workers load.
    var loadPath: String
    var state = State.describing
    var description: PluginDescription?
    var configuration = PluginConfiguration()
    /// Of its configuration's bytes.
    var configurationSum: UInt32 = 0
    var routines: [RoutineEntry] = []

    init(number: Int, file: PluginFile, loadPath: String) {
        self.number = number
        fileName = file.name
        self.file = file
        self.loadPath = loadPath
    }

    /// The plugin's id, or before it is known the file's name without its ending.
    var name: String { description?.id ?? Self.stem(fileName) }

    private static func stem(_ name: String) -> String {
        name.hasSuffix(".so") ? String(name.dropLast(3)) : name
    }

    /// What decides whether it is still the same plugin: its bytes, the ABI and its configuration.
    var content: String {
        "\(file.buildID)-\(file.identity.size)-\(file.identity.modified)-abi\(file.abiMajor)-\(configurationSum)"
    }
}

/// One routine with its policy and, while one runs, its session.
final class RoutineEntry {
    /// A session that has begun.
    struct Session {
        let id: SessionID
        let startMs: Int64
        let startBoot: Int64
        let worker: WorkerLink
        let slot: Int
        /// The kind for the record when the session ends because we asked.
        var endAs: SessionRecord.Kind?
        /// The text that goes with it.
        var endText = ""
    }

    /// The supervisor's number for it, the hang watch's key.
    let key: Int
    let plugin: PluginEntry
    let index: Int
    let name: String
    var settings: EffectiveSettings
    var policy: RestartPolicy
    var session: Session?
    var timer: Deadlines.Timer?
    /// A start is wanted as soon as a worker has the plugin.
    var isStartPending = false
    var isPaused = false
    /// How the session before ended, in the ABI's numbers.
    var before: UInt32 = 0
    var sessions = 0
    var failures = 0
    var untilMs: Int64?

    init(key: Int, plugin: PluginEntry, index: Int, name: String, settings: EffectiveSettings, policy: RestartPolicy) {
        self.key = key
        self.plugin = plugin
        self.index = index
        self.name = name
        self.settings = settings
        self.policy = policy
    }

    /// `plugin/routine`.
    var identifier: String { plugin.name + "/" + name }
}
