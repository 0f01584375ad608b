public import HostValues

/// How a worker's process ended.
public enum WorkerEnd: Equatable, Sendable, CustomStringConvertible {
    /// It called `exit`, with this status.
    case exited(Int32)
    /// A signal of this number and name ended it.
    case signalled(Int32, name: String)
    /// It was killed, and is not gone: something keeps the process from being reaped.
    case unreaped

    /// What it says, in one line.
    public var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signalled(_, let name): "ended by \(name)"
        case .unreaped: "killed, and not gone \(WorkerEnding.reapTime / 1_000_000_000) s later"
        }
    }

    /// Whether it was SIGKILL, which says nothing about the program.
    var isKill: Bool {
        switch self {
        case .signalled(let number, _): number == 9
        case .unreaped: true
        case .exited: false
        }
    }
}

/// What a dead worker leaves that can be read at once.
public struct Remains: Equatable, Sendable {
    /// The signal on its crash page, with its name; 0 when none came.
    public var signal: Int32 = 0
    /// That signal's name.
    public var signalName = ""
    /// The thread that got it, by the kernel's id; 0: not known.
    public var thread: Int32 = 0
    /// Why the worker ended itself; empty when it did not.
    public var ownWords = ""
    /// What it wrote to standard error last.
    public var lastWords = ""
    /// What the ledger says of the slots in which its sessions are, where that is of these sessions.
    public var snapshots: [Int: LedgerSnapshot] = [:]
    /// The slots on which somebody else has written.
    public var spoiled: Set<Int> = []

    /// Nothing.
    public init() {}
}

/// What a crash report says.
public struct Report: Equatable, Sendable {
    /// The plugin's innermost frame.
    public var frame: String?
    /// What happened, in the backtracer's words.
    public var text: String?
    /// The report's file, for as long as no record has it.
    public var file: String?
    /// The system calls that its sandbox has refused.
    public var refusals: [SandboxRefusal] = []

    /// No report.
    public init(frame: String? = nil, text: String? = nil, file: String? = nil) {
        self.frame = frame
        self.text = text
        self.file = file
    }
}

/// A worker's end before its report is read.
public struct Death: Equatable, Sendable {
    /// How it came about.
    public enum Manner: Equatable, Sendable {
        /// It was told to end, and did.
        case inOrder(saidGoodbye: Bool)
        /// It was told to end, and had to be ended by a signal.
        case late
        /// A session in it was asked to end, and it was ended because that did not.
        case overdue(slot: Int)
        /// It was ended because it did not say that the session in that slot was over.
        case mute(slot: Int)
        /// It was ended because a callback was over its time.
        case timeout(WorkerEnding.Place)
        /// It was killed because it had closed its channel.
        case left
        /// It died by itself.
        case failed(wasTold: Bool)
    }

    let manner: Manner
    let end: WorkerEnd
    let remains: Remains
    let loads: [Int]
    let sessions: [Int: SessionID]
}

/// What follows from a worker's death: the reasons for the records of its sessions, the line for the log, and which loads
/// have failed.
public struct Verdict: Equatable, Sendable {
    /// What follows for one session.
    public struct Session: Equatable, Sendable {
        /// The slot that it had.
        public let slot: Int
        /// The session.
        public let id: SessionID
        /// Why it ended. Its kind is `stopped` where the session was asked to end and the record is to say for what.
        public var reason: SessionRecord.Reason
        /// It was asked to end, and did not in time.
        public let isLate: Bool
        /// The worker died of it.
        public let isCulprit: Bool
        /// What its ledger counted; nil when that cannot be known.
        public let counts: LedgerSnapshot?
        /// Whether the reason is what its ledger says of its end.
        public let isReported: Bool
    }

    /// A load that came to nothing.
    public struct FailedLoad: Equatable, Sendable {
        /// The plugin.
        public let plugin: Int
        /// Why, for the record.
        public let reason: SessionRecord.Reason
        /// Why, for the log.
        public let text: String
        /// The worker was killed from outside, which says nothing about the plugin.
        public let isInnocent: Bool
    }

    /// How it came about.
    public let manner: Death.Manner
    /// How its process ended.
    public let end: WorkerEnd
    /// The plugin's innermost frame.
    public let place: String?
    /// The sessions that died with it, by their slots.
    public let sessions: [Session]
    /// The load in progress, if the worker died of it.
    public let failedLoad: FailedLoad?
    /// The loads to be tried elsewhere.
    public let interruptedLoads: [Int]
    /// The crash report's file.
    public let report: String?
    /// The system calls that its sandbox has refused.
    public let refusals: [SandboxRefusal]

    init(on death: Death, _ report: Report) {
        manner = death.manner
        end = death.end
        place = report.frame
        self.report = report.file
        refusals = report.refusals
        let slots = death.sessions.keys.sorted()
        var isLoadGuilty = false
        var isLoadHung = false
        switch death.manner {
        case .failed(wasTold: false), .left: isLoadGuilty = !death.loads.isEmpty
        case .timeout(.load): (isLoadGuilty, isLoadHung) = (true, true)
        case .failed(wasTold: true), .inOrder, .late, .overdue, .mute, .timeout(.session): break
        }
        let culprits = Self.culprits(slots, death, hasLoad: isLoadGuilty)
        let own = Self.ownReason(death, report)
        sessions = slots.compactMap { slot in
            death.sessions[slot].map { Self.session(slot, $0, death, own, isCulprit: culprits.contains(slot), report) }
        }
        interruptedLoads = isLoadGuilty ? Array(death.loads.dropFirst()) : death.loads
        failedLoad =
            isLoadGuilty
            ? death.loads.first.map { Self.failedLoad($0, death, own, isHung: isLoadHung, report) } : nil
    }

    /// The line for the log: whether it is an error, and its text; nil when it ended in order.
    public func line(pid: Int32) -> (isError: Bool, text: String)? {
        let place = place.map { " at \($0)" } ?? ""
        switch manner {
        case .inOrder(saidGoodbye: true): return nil
        case .inOrder(saidGoodbye: false), .late, .failed(wasTold: true):
            return (false, "its worker (pid \(pid)) did not end in order: \(end)\(place)")
        case .overdue, .mute, .timeout, .left, .failed(wasTold: false):
            return (true, "its worker (pid \(pid)) died: \(end)")
        }
    }

    /// Which sessions the worker died of: those in the plugin's code at its death; all, when none was and no load.
    private static func culprits(_ slots: [Int], _ death: Death, hasLoad: Bool) -> Set<Int> {
        switch death.manner {
        case .timeout(.session(let slot)), .overdue(let slot), .mute(let slot): return [slot]
        case .timeout(.load): return []
        case .inOrder, .late, .left, .failed: break
        }
        let busy = slots.filter { death.remains.snapshots[$0]?.isInPlugin == true }
        let thread = death.remains.thread
        if thread > 0, let slot = busy.first(where: { death.remains.snapshots[$0]?.thread == thread }) { return [slot] }
        if busy.isEmpty { return hasLoad ? [] : Set(slots) }
        return Set(busy)
    }

    private static let standstill = "its worker stood still: its next cycle did not begin"

    private static func session(
        _ slot: Int, _ id: SessionID, _ death: Death, _ own: SessionRecord.Reason, isCulprit: Bool, _ report: Report
    ) -> Session {
        let counts = death.remains.snapshots[slot]
        var reason: SessionRecord.Reason
        var isLate = false
        var isReported = false
        if let kind = counts?.end, counts?.state == .ended, kind.isWorkers {
            reason = SessionRecord.Reason(kind, text: "its worker died before it could say more")
            isReported = true
        } else {
            switch death.manner {
            case .timeout(.session(slot)):
                // Between callbacks it is the worker that does not go on: stopped, or with no thread left.
                let text =
                    counts.map { $0.isInPlugin || $0.state == .ended } ?? true ? "over its time" : Self.standstill
                reason = SessionRecord.Reason(
                    .timeout, text: text, cycle: counts?.cycle, phase: counts?.phase, frame: report.frame)
            case .inOrder, .late, .overdue(slot):
                isLate = true
                reason = SessionRecord.Reason(
                    .stopped, text: "did not end in time: \(death.end)", cycle: counts?.cycle, phase: counts?.phase)
            case .failed, .left, .timeout, .overdue, .mute:
                if isCulprit {
                    reason = own
                    reason.cycle = counts?.cycle
                    reason.phase = counts?.phase?.word
                } else {
                    reason = SessionRecord.Reason(
                        .peerFailed, text: "another routine of its worker died: \(death.end)")
                }
            }
        }
        if isCulprit { reason.text += SandboxRefusal.suffix(report.refusals) }
        if counts == nil, death.remains.spoiled.contains(slot) { reason.text += SessionRecord.Reason.overwritten }
        return Session(
            slot: slot, id: id, reason: reason, isLate: isLate, isCulprit: isCulprit, counts: counts,
            isReported: isReported)
    }

    /// Why a worker died that nobody ended.
    private static func ownReason(_ death: Death, _ report: Report) -> SessionRecord.Reason {
        let remains = death.remains
        switch death.manner {
        case .left:
            return SessionRecord.Reason(
                .exit, text: "it left the host: it executed another program, or closed its channel")
        case .mute:
            return SessionRecord.Reason(
                .exit, text: "it left the host: it did not say that its session was over")
        case .inOrder, .late, .overdue, .timeout, .failed: break
        }
        switch death.end {
        case .exited(let status):
            if status == 70, !remains.ownWords.isEmpty { return SessionRecord.Reason(.exit, text: remains.ownWords) }
            let words = remains.lastWords
            return SessionRecord.Reason(.exit, text: "exit status \(status)" + (words.isEmpty ? "" : ": \(words)"))
        case .signalled(_, let name):
            // A worker that is killed while it writes its report has died of what the report is about.
            let isOfReport = death.end.isKill && remains.signal > 0
            var texts = [report.text ?? "", remains.lastWords].filter { !$0.isEmpty }
            if name == "SIGSYS" { texts.insert("a system call that its sandbox does not allow", at: 0) }
            if death.end.isKill, !isOfReport, texts.isEmpty {
                texts = ["killed from outside, or by the kernel for want of memory"]
            }
            return SessionRecord.Reason(
                .crash, text: texts.joined(separator: ": "), signal: isOfReport ? remains.signalName : name,
                frame: report.frame)
        case .unreaped:
            return SessionRecord.Reason(
                .crash, text: death.end.description, signal: remains.signal > 0 ? remains.signalName : nil,
                frame: report.frame)
        }
    }

    private static func failedLoad(
        _ plugin: Int, _ death: Death, _ own: SessionRecord.Reason, isHung: Bool, _ report: Report
    ) -> FailedLoad {
        let place = report.frame.map { " at \($0)" } ?? ""
        var reason = isHung ? SessionRecord.Reason(.timeout, text: "over its time", frame: report.frame) : own
        reason.phase = Phase.load.word
        return FailedLoad(
            plugin: plugin, reason: reason,
            text: isHung
                ? "its load took longer than it may\(place)"
                : "its worker died while loading it: \(death.end)\(place)",
            isInnocent: death.end.isKill && death.remains.signal == 0 && death.manner == .failed(wasTold: false))
    }
}

extension SessionRecord.Reason {
    /// What a text ends with when a plugin has spoiled both accounts of its cycles.
    public static let overwritten = "; what it had counted was overwritten"
}
