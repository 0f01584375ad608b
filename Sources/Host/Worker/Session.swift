internal import CPluginAPI
internal import HostStore
internal import HostValues
internal import HostWire

/// What one session gathers besides its schedule.
struct Session {
    /// One error of a callback.
    struct Failure {
        let phase: Phase
        let code: Int32
        let message: String
        let cycle: UInt64
        let attempt: UInt32
        /// Until when a cache leaves alone the source whose failure this repeats; nil when it is new.
        var leftAloneUntil: BootTime?

        /// The message, or the code where there is none.
        var text: String { message.isEmpty ? "error \(code)" : message }
    }

    /// How a call of a cache failed.
    struct CacheTrouble {
        /// The source's failure, when it was that.
        let source: CacheSourceFailure?
        /// What the record says, with the cache's name.
        let text: String
        /// Until when the source is left alone whose failure this repeats; nil when a source failed in
        /// this callback.
        var leftAloneUntil: BootTime?
    }

    let id: SessionID
    let slot: Int
    let onError: ErrorDefault
    let caches: CacheSettings
    let startMs: Int64
    let startBoot: BootTime
    let parameters: Parameters
    var hasStarted = false
    var startAttempt: UInt32 = 0
    var startFailures: UInt64 = 0
    /// When the next attempt at `start` is due.
    var startDue = BootTime.longAgo
    var stopAsked = false
    /// How the last failed cache call of this callback failed, if there was one.
    var cacheTrouble: CacheTrouble?
    /// Whether its last callbacks have begun: `stats` and `stop`.
    var isClosing = false
    /// Why it cannot begin, if it cannot.
    var trouble: String?
    /// Whether its next cycle may begin, where only so many may run at once.
    var gate: CycleGate
    var error: Failure?
    var message = ""
    var endText = ""
    var stats = SessionRecord.Stats()
    var disposition = WorkerEvent.Ended.Disposition.policy

    /// A session as it was ordered.
    init(_ order: WorkerCommand.Start, parameters: Parameters, startMs: Int64, startBoot: BootTime) {
        id = order.session
        slot = order.slot
        onError = order.onError
        caches = order.caches
        gate = CycleGate(isClosed: order.takesTurns)
        self.startMs = startMs
        self.startBoot = startBoot
        self.parameters = parameters
    }

    /// No session: between two of them, or that of the plugin's own scope.
    init(parameters: Parameters, startMs: Int64 = 0, startBoot: BootTime = .longAgo) {
        id = SessionID(rawValue: 0)
        slot = -1
        onError = ErrorDefault(attempts: 1)
        caches = CacheSettings()
        gate = CycleGate(isClosed: false)
        self.startMs = startMs
        self.startBoot = startBoot
        self.parameters = parameters
    }

    /// No session.
    static let none = Session(parameters: Parameters(json: "{}"))

    /// The failure of a callback that returned `code`.
    ///
    /// It came from a cache when the callback returns one of the host's cache codes, or passes on the source's own code
    /// without another text than the source's. Then the failure has the source's code and, where the callback attached
    /// none, its text: who ran the source and who shared its load fail alike.
    func failure(_ phase: Phase, _ code: Int32, cycle: UInt64, attempt: UInt32) -> Failure {
        var code = code
        var text = message
        let isFromCache: Bool
        switch code {
        case Int32(SCHEDHOST_SOURCE_FAILED):
            isFromCache = true
            if let source = cacheTrouble?.source { code = source.code }
        case Int32(SCHEDHOST_REENTRANT), Int32(SCHEDHOST_TOO_LARGE):
            isFromCache = true
        default:
            let source = cacheTrouble?.source
            isFromCache = source?.code == code && (text.isEmpty || text == source?.text)
        }
        if isFromCache, text.isEmpty { text = cacheTrouble?.text ?? "" }
        return Failure(
            phase: isFromCache && phase == .routine ? .cache : phase, code: code, message: text, cycle: cycle,
            attempt: attempt, leftAloneUntil: isFromCache ? cacheTrouble?.leftAloneUntil : nil)
    }

    /// The reason for the record.
    func reason(_ end: SessionEnd) -> SessionRecord.Reason {
        switch end {
        case .endedByRoutine: SessionRecord.Reason(end, text: endText)
        case .error:
            SessionRecord.Reason(end, text: error?.text ?? "error", cycle: error?.cycle, phase: error?.phase)
        case .maxCycles, .until, .stopped, .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied,
            .quarantined:
            SessionRecord.Reason(end)
        }
    }
}
