internal import CPluginAPI
internal import HostCore

/// What one session gathers besides its schedule.
struct Session {
    /// The phases of an error, numbered as in the ABI.
    enum Phase: UInt32 {
        case load = 1, start = 2, routine = 3, sleep = 4, cache = 5, stats = 6, stop = 7, hook = 8

        /// The word in the record.
        var word: String {
            switch self {
            case .load: "load"
            case .start: "start"
            case .routine: "routine"
            case .sleep: "sleep"
            case .cache: "cache"
            case .stats: "stats"
            case .stop: "stop"
            case .hook: "hook"
            }
        }
    }

    /// One error of a callback.
    struct Failure {
        let phase: Phase
        let code: Int32
        let message: String
        let cycle: UInt64
        let attempt: UInt32

        /// The message, or the code where there is none.
        var text: String { message.isEmpty ? "error \(code)" : message }
    }

    let id: SessionID
    let slot: Int
    let maxAttempts: UInt32
    let caches: CacheSettings
    let startMs: Int64
    let startBoot: Int64
    let parameters: Parameters
    var hasStarted = false
    var startAttempt: UInt32 = 0
    var startFailures: UInt64 = 0
    /// When the next attempt at `start` is due, boot ns.
    var startDue = Int64.min
    var stopAsked = false
    /// What the last failed cache call of this callback said.
    var cacheMessage = ""
    /// What the caches had counted when the session began.
    var cachesBefore: [String: CacheCounters] = [:]
    var error: Failure?
    var message = ""
    var endText = ""
    var stats = SessionRecord.Stats()
    var disposition = WorkerEvent.Ended.Disposition.policy

    /// A session as it was ordered.
    init(_ order: WorkerCommand.Start, parameters: Parameters, startMs: Int64, startBoot: Int64) {
        id = order.session
        slot = order.slot
        maxAttempts = order.maxAttempts
        caches = order.caches
        self.startMs = startMs
        self.startBoot = startBoot
        self.parameters = parameters
    }

    /// No session: between two of them, or that of the plugin's own scope.
    init(parameters: Parameters, startMs: Int64 = 0, startBoot: Int64 = 0) {
        id = SessionID(rawValue: 0)
        slot = -1
        maxAttempts = 1
        caches = CacheSettings()
        self.startMs = startMs
        self.startBoot = startBoot
        self.parameters = parameters
    }

    /// No session.
    static let none = Session(parameters: Parameters(json: "{}"))

    /// The phase of an error of `run`: the host's own cache codes tell that it came from a cache.
    static func phase(ofCode code: Int32) -> Phase {
        switch code {
        case Int32(SCHEDHOST_SOURCE_FAILED), Int32(SCHEDHOST_REENTRANT), Int32(SCHEDHOST_TOO_LARGE): .cache
        default: .routine
        }
    }

    /// The reason for the record.
    func reason(_ end: Schedule.End) -> SessionRecord.Reason {
        switch end {
        case .maxCycles: SessionRecord.Reason(.maxCycles)
        case .until: SessionRecord.Reason(.until)
        case .stopped: SessionRecord.Reason(.stopped)
        case .byRoutine: SessionRecord.Reason(.endedByRoutine, text: endText)
        case .failed:
            SessionRecord.Reason(
                .error, text: error?.text ?? "error", cycle: error?.cycle, phase: error?.phase.word)
        }
    }
}
