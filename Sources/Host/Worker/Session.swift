internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// What one session collects, apart from its schedule.
struct Session {
    /// A failure of a callback.
    struct Failure {
        let phase: Phase
        let code: Int32
        let message: String
        let cycle: UInt64
        let attempt: UInt32
        /// The end of the source's back-off, if this failure repeats that of an earlier load; else nil.
        var leftAloneUntil: BootTime?

        /// The message, or the code if there is none.
        var text: String { message.isEmpty ? "error \(code)" : message }
    }

    /// The failure of a cache call.
    struct CacheTrouble {
        /// The source's failure, if that was the cause.
        let source: CacheSourceFailure?
        /// The text for the record, with the cache's name.
        let text: String
        /// The end of the source's back-off, if this failure repeats that of an earlier load; nil if a source failed
        /// during this callback.
        var leftAloneUntil: BootTime?
    }

    let id: SessionID
    /// What the session has in common with others.
    let terms: SessionTerms
    /// The cycles of all sessions before it.
    let lifetimeCycles: UInt64
    let startMs: Int64
    let startBoot: BootTime
    private var rare: Rare?
    /// Decides whether the next cycle may begin, when the number of concurrent cycles is limited.
    var gate: CycleGate
    var hasStarted = false
    var stopAsked = false
    /// Whether the closing callbacks, `stats` and `stop`, have begun.
    var isClosing = false
    private let slotNumber: Int32
    var startAttempt: UInt32 = 0
    /// How the session before it ended, in the ABI's numbers.
    let before: UInt32

    /// The number of its slot in the ledger.
    var slot: Int { Int(slotNumber) }
    var onError: ErrorDefault { terms.onError }
    var parameters: Parameters { terms.parameters }
    /// How long a callback may take before the host takes it for one that hangs, in ns; 0: as long as it likes.
    var timeout: Int64 { terms.timeout }

    /// Makes a session from the supervisor's order.
    init(_ order: WorkerCommand.Start, _ terms: SessionTerms, startMs: Int64, startBoot: BootTime) {
        id = order.session
        slotNumber = Int32(clamping: order.slot)
        self.terms = terms
        gate = CycleGate(isClosed: order.takesTurns)
        self.startMs = startMs
        self.startBoot = startBoot
        lifetimeCycles = order.lifetimeCycles
        before = order.before
        if order.leaseToken != nil || order.shard != nil {
            let rare = made()
            rare.leaseToken = order.leaseToken ?? 0
            rare.shard = order.shard
        }
    }

    /// Makes a placeholder, for the time between two sessions and for the plugin's own scope.
    init(_ terms: SessionTerms, startMs: Int64 = 0, startBoot: BootTime = .longAgo) {
        id = SessionID(rawValue: 0)
        slotNumber = -1
        self.terms = terms
        gate = CycleGate(isClosed: false)
        self.startMs = startMs
        self.startBoot = startBoot
        lifetimeCycles = 0
        before = 0
    }

    /// What most sessions do not have until their end. It is a separate object, since a worker may have 100 000 sessions.
    private final class Rare {
        var cacheTrouble: CacheTrouble?
        var trouble: String?
        var error: Failure?
        var message = ""
        var endText = ""
        var stats = SessionRecord.Stats()
        var disposition = WorkerEvent.Ended.Disposition.policy
        var past: PastList?
        var startDue = BootTime.longAgo
        var startFailures: UInt64 = 0
        var leaseToken: UInt64 = 0
        var lease: LeasePage?
        var shard: RoutineShard?
    }

    private mutating func made() -> Rare {
        if let rare { return rare }
        let made = Rare()
        rare = made
        return made
    }

    /// How the last failed cache call of the present callback failed; nil if none did.
    var cacheTrouble: CacheTrouble? {
        get { rare?.cacheTrouble }
        set { if rare != nil || newValue != nil { made().cacheTrouble = newValue } }
    }
    /// The reason why the session cannot begin; nil if it can.
    var trouble: String? {
        get { rare?.trouble }
        set { if rare != nil || newValue != nil { made().trouble = newValue } }
    }
    /// The failure that ends the session, or that the error hook decides on; nil if there is none.
    var error: Failure? {
        get { rare?.error }
        set { if rare != nil || newValue != nil { made().error = newValue } }
    }
    /// The text that the present callback has attached with `fail`.
    var message: String {
        get { rare?.message ?? "" }
        set { if rare != nil || !newValue.isEmpty { made().message = newValue } }
    }
    /// The reason that the routine gave with `end_session`.
    var endText: String {
        get { rare?.endText ?? "" }
        set { if rare != nil || !newValue.isEmpty { made().endText = newValue } }
    }
    /// The columns for the session's record.
    var stats: SessionRecord.Stats {
        get { rare?.stats ?? SessionRecord.Stats() }
        _modify { yield &made().stats }
    }
    /// The sessions before this one, once the routine has asked.
    var past: PastList? {
        get { rare?.past }
        set { if rare != nil || newValue != nil { made().past = newValue } }
    }
    /// What a hook has decided about the routine after this session.
    var disposition: WorkerEvent.Ended.Disposition {
        get { rare?.disposition ?? .policy }
        set { if rare != nil || newValue != .policy { made().disposition = newValue } }
    }

    /// When the next attempt at `start` is due.
    var startDue: BootTime {
        get { rare?.startDue ?? .longAgo }
        set { if rare != nil || newValue != .longAgo { made().startDue = newValue } }
    }
    /// The token of the lease by which it runs; 0 if it runs by none.
    var leaseToken: UInt64 { rare?.leaseToken ?? 0 }
    /// Which part of the routine's work it has; nil: all of it.
    var shard: RoutineShard? { rare?.shard }
    /// What says how long the lease lasts by which it runs; nil if it runs by none.
    var lease: LeasePage? {
        get { rare?.lease }
        set { if rare != nil || newValue != nil { made().lease = newValue } }
    }
    /// How often `start` has failed.
    var startFailures: UInt64 {
        get { rare?.startFailures ?? 0 }
        set { if rare != nil || newValue != 0 { made().startFailures = newValue } }
    }

    /// The placeholder between two sessions.
    static var none: Session { Session(.none) }

    /// The failure of a callback that returned `code`.
    ///
    /// The failure counts as one of a cache if the callback returns one of the host's cache codes, or if it returns the
    /// source's own code without a text different from the source's. Then the failure takes the source's code and, if
    /// the callback attached no text, the source's text: so the routine that ran the source and those that shared its
    /// load report the same failure.
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

    /// The reason for the session's record.
    func reason(_ end: SessionEnd) -> SessionRecord.Reason {
        switch end {
        case .endedByRoutine: SessionRecord.Reason(end, text: endText)
        case .error:
            SessionRecord.Reason(end, text: error?.text ?? "error", cycle: error?.cycle, phase: error?.phase)
        case .maxCycles, .until, .stopped, .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied,
            .quarantined, .leaseLost, .handedOver:
            SessionRecord.Reason(end)
        }
    }
}

/// What many sessions have in common, since it comes from settings.
final class SessionTerms: Sendable {
    let parameters: Parameters
    let caches: CacheSettings
    let onError: ErrorDefault
    /// As `Session.timeout`.
    let timeout: Int64

    init(parameters: Parameters, caches: CacheSettings, onError: ErrorDefault, timeout: Int64) {
        self.parameters = parameters
        self.caches = caches
        self.onError = onError
        self.timeout = timeout
    }

    /// Where no session is, nothing is tried again.
    static let noRetries = ErrorDefault(attempts: 1)
    /// The terms between two sessions.
    static let none = SessionTerms(
        parameters: Parameters(json: "{}"), caches: CacheSettings(), onError: noRetries, timeout: 0)
}
