public import HostValues

/// How a worker's process ended.
public enum WorkerEnd: Equatable, Sendable, CustomStringConvertible {
    /// The process called `exit` with this status.
    case exited(Int32)
    /// A signal with this number and name terminated the process.
    case signalled(Int32, name: String)
    /// The process was killed but cannot be reaped.
    case unreaped

    /// The end in one line.
    public var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signalled(_, let name): "ended by \(name)"
        case .unreaped: "killed, and not gone \(WorkerEnding.reapTime / 1_000_000_000) s later"
        }
    }

    /// Whether SIGKILL ended the process, which says nothing about the program.
    var isKill: Bool {
        switch self {
        case .signalled(let number, _): number == 9
        case .unreaped: true
        case .exited: false
        }
    }
}

/// What a dead worker left that can be read at once.
public struct Remains: Equatable, Sendable {
    /// The number of the signal on the crash page; 0 if there was none.
    public var signal: Int32 = 0
    /// The name of that signal.
    public var signalName = ""
    /// The kernel's id of the thread that received the signal; 0 if unknown.
    public var thread: Int32 = 0
    /// The worker's message when it ended itself; empty if it did not.
    public var ownWords = ""
    /// The last output on standard error.
    public var lastWords = ""
    /// The ledger's data for the slots of its sessions, as far as it belongs to these sessions.
    public var snapshots: [Int: LedgerSnapshot] = [:]
    /// The slots whose data has been overwritten.
    public var spoiled: Set<Int> = []

    /// The number of its processes that the kernel killed because of `limits.memory_mb`.
    public var memoryKills = 0
    /// That limit.
    public var memoryMb: UInt64 = 0

    /// Whether the kernel killed the worker itself for that reason, at this end of its process.
    func isOutOfMemory(_ end: WorkerEnd) -> Bool { end.isKill && signal == 0 && memoryKills > 0 }

    /// Creates remains without any data.
    public init() {}
}

/// The content of a crash report.
public struct Report: Equatable, Sendable {
    /// The innermost stack frame that belongs to the plugin.
    public var frame: String?
    /// What happened, in the words of the backtracer.
    public var text: String?
    /// The name of the report's file, until a record refers to it.
    public var file: String?
    /// The system calls that the sandbox refused.
    public var refusals: [SandboxRefusal] = []

    /// Creates a report; without arguments, the report of a worker that has none.
    public init(frame: String? = nil, text: String? = nil, file: String? = nil) {
        self.frame = frame
        self.text = text
        self.file = file
    }
}

/// The end of a worker before its crash report is read.
public struct Death: Equatable, Sendable {
    /// How the death came about.
    public enum Manner: Equatable, Sendable {
        /// The worker was told to end, and did.
        case inOrder(saidGoodbye: Bool)
        /// The worker was told to end, and had to be terminated by a signal.
        case late
        /// The worker was terminated because a session was asked to end and did not.
        case overdue(slot: Int)
        /// The worker was killed because it did not report the end of the session in this slot.
        case mute(slot: Int)
        /// It was ended because of what its plugin did to its channel.
        case channelAbused(ChannelAbuse)
        /// The worker was terminated because a callback exceeded its timeout.
        case timeout(WorkerEnding.Place)
        /// The worker was killed because it had closed its channel.
        case left
        /// The worker died by itself. `wasTold` is whether it had been told to end before.
        case failed(wasTold: Bool)
    }

    let manner: Manner
    let end: WorkerEnd
    let remains: Remains
    let loads: [Int]
    let sessions: [Int: SessionID]
}

/// The consequences of a worker's death: the reasons for the records of its sessions, the log message, and the loads
/// that have failed.
public struct Verdict: Equatable, Sendable {
    /// The consequences for one session.
    public struct Session: Equatable, Sendable {
        /// The slot of the session in the ledger.
        public let slot: Int
        /// The session.
        public let id: SessionID
        /// Why the session ended. If `isLate`, the kind is `stopped`, and the end for which the session was asked replaces
        /// it in the record.
        public var reason: SessionRecord.Reason
        /// Whether the session was asked to end, and did not in time.
        public let isLate: Bool
        /// Whether this session caused the worker's death.
        public let isCulprit: Bool
        /// The counters of the ledger; nil if they are unknown.
        public let counts: LedgerSnapshot?
        /// Whether the reason is the end that the ledger states.
        public let isReported: Bool
    }

    /// A failed load.
    public struct FailedLoad: Equatable, Sendable {
        /// The plugin.
        public let plugin: Int
        /// The reason for the record.
        public let reason: SessionRecord.Reason
        /// The reason for the log.
        public let text: String
        /// Whether the worker was killed from outside, which says nothing about the plugin.
        public let wasKilledFromOutside: Bool
    }

    /// How the death came about.
    public let manner: Death.Manner
    /// How the process ended.
    public let end: WorkerEnd
    /// The innermost stack frame that belongs to the plugin.
    public let place: String?
    /// The sessions that died with the worker, by slot.
    public let sessions: [Session]
    /// The load in progress, if it caused the death.
    public let failedLoad: FailedLoad?
    /// The loads that must be tried in another worker.
    public let interruptedLoads: [Int]
    /// The name of the crash report's file.
    public let report: String?
    /// The system calls that the sandbox refused.
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
        case .failed(wasTold: false), .left, .channelAbused: isLoadGuilty = !death.loads.isEmpty
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

    /// The message for the log and whether it is an error; nil if the worker ended in order.
    public func line(pid: Int32) -> (isError: Bool, text: String)? {
        let place = place.map { " at \($0)" } ?? ""
        switch manner {
        case .inOrder(saidGoodbye: true): return nil
        case .inOrder(saidGoodbye: false), .late, .failed(wasTold: true):
            return (false, "its worker (pid \(pid)) did not end in order: \(end)\(place)")
        case .channelAbused(let abuse): return (true, "its worker (pid \(pid)) was ended: its plugin \(abuse.text)")
        case .overdue, .mute, .timeout, .left, .failed(wasTold: false):
            return (true, "its worker (pid \(pid)) died: \(end)")
        }
    }

    /// The sessions that caused the death: those inside the plugin's code at that time. If there were none, and no load
    /// is to blame, all sessions.
    private static func culprits(_ slots: [Int], _ death: Death, hasLoad: Bool) -> Set<Int> {
        switch death.manner {
        case .timeout(.session(let slot)), .overdue(let slot), .mute(let slot): return [slot]
        case .timeout(.load): return []
        case .inOrder, .late, .left, .channelAbused, .failed: break
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
        if let kind = counts?.end, counts?.state == .ended, kind.isReportableByWorker {
            reason = SessionRecord.Reason(kind, text: "its worker died before it could say more")
            isReported = true
        } else {
            switch death.manner {
            case .timeout(.session(slot)):
                // Between callbacks it is the worker that makes no progress: it is stopped, or has no thread left.
                let text =
                    counts.map { $0.isInPlugin || $0.state == .ended } ?? true ? "over its time" : Self.standstill
                reason = SessionRecord.Reason(
                    .timeout, text: text, cycle: counts?.cycle, phase: counts?.phase, frame: report.frame)
            case .inOrder, .late, .overdue(slot):
                isLate = true
                reason = SessionRecord.Reason(
                    .stopped, text: "did not end in time: \(death.end)", cycle: counts?.cycle, phase: counts?.phase)
            case .failed, .left, .channelAbused, .timeout, .overdue, .mute:
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

    /// The reason for the death of a worker that the host did not end because of a timeout.
    private static func ownReason(_ death: Death, _ report: Report) -> SessionRecord.Reason {
        let remains = death.remains
        switch death.manner {
        case .left:
            return SessionRecord.Reason(
                .exit, text: "it left the host: it executed another program, or closed its channel")
        case .mute:
            return SessionRecord.Reason(
                .exit, text: "it left the host: it did not say that its session was over")
        case .channelAbused(let abuse): return SessionRecord.Reason(.error, text: "\(abuse.text): \(abuse.explanation)")
        case .inOrder, .late, .overdue, .timeout, .failed: break
        }
        switch death.end {
        case .exited(let status):
            if status == 70, !remains.ownWords.isEmpty { return SessionRecord.Reason(.exit, text: remains.ownWords) }
            let words = remains.lastWords
            return SessionRecord.Reason(.exit, text: "exit status \(status)" + (words.isEmpty ? "" : ": \(words)"))
        case .signalled(_, let name):
            // If a worker is killed while it writes its crash report, the cause is the signal that the report is about.
            let isOfReport = death.end.isKill && remains.signal > 0
            var texts = [report.text ?? "", remains.lastWords].filter { !$0.isEmpty }
            if name == "SIGSYS" { texts.insert("a system call that its sandbox does not allow", at: 0) }
            if remains.isOutOfMemory(death.end) {
                texts.insert(
                    "the kernel killed it, because it needed more memory than limits.memory_mb: \(remains.memoryMb)",
                    at: 0)
            } else if death.end.isKill, !isOfReport, texts.isEmpty {
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
        var text =
            isHung
            ? "its load took longer than it may\(place)" : "its worker died while loading it: \(death.end)\(place)"
        if case .channelAbused(let abuse) = death.manner { text = "it \(abuse.text) while it is loaded" }
        return FailedLoad(
            plugin: plugin, reason: reason, text: text,
            wasKilledFromOutside: death.end.isKill && death.remains.signal == 0
                && death.manner == .failed(wasTold: false)
                && !death.remains.isOutOfMemory(death.end))
    }
}

extension SessionRecord.Reason {
    /// The end of a reason's text if a plugin has overwritten both copies of its counters.
    public static let overwritten = "; what it had counted was overwritten"
}
