internal import HostCluster
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// What people see of all hosts of a cluster: writes what this host says of itself into the store, and reads what all say when
/// somebody asks.
///
/// It is told of records, answers and time, and answers by orders, which wait in `take`. Nothing waits for it, and its requests
/// have a connection of their own.
final class FleetDesk {
    /// What the supervisor is to do.
    enum Order: Equatable {
        /// Send this to the store worker.
        case send(StoreCommand)
        /// All is said: the store worker may end.
        case end
    }

    /// What this host has to say of itself.
    struct Facts {
        var routines = 0
        var running = 0
        var quarantined = 0
        var sessions: [HostReport.Session] = []
        var skewMs: Int64?
    }

    /// How long the store may take for a request, in ms.
    private static let timeoutMs: UInt64 = 1000
    /// How long the end of the host may wait for its last report, in ns.
    private static let patience: Int64 = 500_000_000
    /// What was read so recently is taken for the present, in ns.
    private static let recently: Int64 = 200_000_000

    private let identity: HostIdentity
    private let prefix: String
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    private var reporter: FleetReporter
    private(set) var reader = FleetReader()
    /// What was asked of the store.
    private(set) var meter = StoreMeter(.people)
    private var orders: [Order] = []
    private var lastID: UInt64 = 0
    /// The numbers of the requests that are not answered yet.
    private var (reporting, reading): (UInt64?, UInt64?) = (nil, nil)
    private var isMember = false
    private var isServing = false
    private let startMs: Int64
    private var mode = HostReport.Mode.serving
    private var leases = 0
    private var modeMs: Int64
    /// How far the end of the host is.
    private enum Leaving: Equatable {
        case no
        /// It waits for the last report, until then at most.
        case until(BootTime)
        case done
    }

    private var leaving = Leaving.no
    /// Says what this host has to say of itself.
    var facts: () -> Facts = { Facts() }

    /// Makes the desk of that host in the cluster of that name. `recent` are the host's newest sessions, oldest first.
    init(
        _ identity: HostIdentity, cluster name: String, recent: [SessionRecord], clock: any HostClock,
        deadlines: Deadlines
    ) {
        self.identity = identity
        prefix = "schedhost/\(name)/"
        self.clock = clock
        self.deadlines = deadlines
        reporter = FleetReporter(identity.id, recent: recent)
        startMs = clock.wallMilliseconds()
        modeMs = startMs
        timer = deadlines.make { [weak self] _ in self?.proceed() }
    }

    /// What is to be done since the last call.
    func take() -> [Order] {
        defer { orders = [] }
        return orders
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !orders.isEmpty }

    /// Why the store does not take what this host says; nil: it does.
    var refusal: String? { reporter.refusal }

    // MARK: What happens

    /// The store's worker can be asked, or not any more.
    func storeServes(_ serves: Bool) {
        isServing = serves
        if serves { return }
        isMember = false
        (reporting, reading) = (nil, nil)
        meter.lost(at: clock.boot())
        reporter.disconnected()
        reader.abandon()
        proceed()
    }

    /// The store is connected, maybe one that has lost something.
    func storeIsNew() { isMember = false }

    /// Whether this host is a member of its cluster, what it is about, and how many leases it holds. Only who is a member says
    /// something: another host may have its id.
    func see(isMember: Bool, isDraining: Bool, isStopping: Bool, leases: Int) {
        let mode: HostReport.Mode =
            leaving != .no ? .left : isStopping ? .leaving : isDraining ? .draining : .serving
        let (isNew, isOther) = (isMember && !self.isMember && isServing, mode != self.mode)
        if isNew { reporter.connected() }
        if isOther {
            self.mode = mode
            modeMs = clock.wallMilliseconds()
            reporter.reportAtOnce()
        }
        let isMoved = leases != self.leases
        if isMoved {
            self.leases = leases
            reporter.reportSoon(at: clock.boot())
        }
        // Who has left is none any more, and still has something to say.
        if isMember { self.isMember = true }
        if isNew || isOther || isMoved { proceed() }
    }

    /// A session has ended.
    func add(_ record: SessionRecord) {
        reporter.add(record)
        proceed()
    }

    /// The store worker has answered.
    func heard(_ id: UInt64, _ answer: StoreAnswer) {
        meter.answered(id, answer, at: clock.boot())
        if id == reporting {
            reporting = nil
            reporter.answered(answer, at: clock.boot())
        } else if id == reading {
            reading = nil
            if let request = reader.answered(answer) { reading = ask(request) }
        }
        proceed()
    }

    /// The host has left the cluster, and ends.
    func leave() {
        leaving = .until(clock.boot() + Self.patience)
        (mode, modeMs) = (.left, clock.wallMilliseconds())
        reporter.hurry()
        proceed()
    }

    private func proceed() {
        let now = clock.boot()
        if reporting == nil, let request = reporter.next(at: now, report: { report }) { reporting = ask(request) }
        var next = reporter.nextDeadline
        if case .until(let end) = leaving {
            next = min(next, end)
            if reporter.isDone || now >= end {
                leaving = .done
                orders.append(.end)
            }
        }
        guard let timer else { return }
        deadlines.set(timer, at: next == .never ? nil : clock.monotonic() + max(0, next - now))
    }

    private func ask(_ request: StoreRequest) -> UInt64 {
        lastID += 1
        meter.asked(lastID, request, at: clock.boot())
        orders.append(.send(.consult(lastID, request, prefix: prefix, timeoutMs: Self.timeoutMs)))
        return lastID
    }

    private var report: HostReport {
        let facts = facts()
        var report = HostReport(
            name: identity.name, pid: identity.pid, version: identity.version, startMs: startMs, mode: mode,
            modeMs: modeMs, wroteMs: clock.wallMilliseconds(), routines: UInt64(clamping: facts.routines),
            running: UInt64(clamping: facts.running), quarantined: UInt64(clamping: facts.quarantined))
        report.skewMs = facts.skewMs
        report.sessions = facts.sessions
        return report
    }

    // MARK: What people ask

    /// Answers a request: by the number of a reading that is in progress, or by what was read.
    func answer(_ request: ControlRequest, _ describe: (FleetView?, Bool) -> FleetStatus) -> FleetAnswer {
        if request.after == nil, !reader.isReading, !isRecent, isServing, let question = reader.begin(at: clock.boot())
        {
            reading = ask(question)
        }
        // Whoever asks for round 0 waits no more.
        let awaited = request.after ?? reader.rounds + 1
        if reader.isReading, reader.rounds < awaited { return .reading(awaited) }
        return .status(describe(reader.view, reader.hasFailed || !isServing))
    }

    private var isRecent: Bool {
        guard !reader.hasFailed, let view = reader.view else { return false }
        return clock.boot() - view.readAt < Self.recently
    }
}
