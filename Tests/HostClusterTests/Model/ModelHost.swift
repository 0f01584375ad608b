import HostTestKit
import HostValues

@testable import HostCluster

/// One host of the model: its clock, its processes and what stops them.
final class ModelHost {
    /// A session in a worker.
    struct Session {
        let number: Int
        let token: UInt64
        /// When the kernel's timer ends it, by this host's clock.
        var deadline: BootTime
    }

    let index: Int
    let id: HostID
    private let rate: Double
    private let offset: Double
    let wallOffset: Int64
    /// Counts starts of the supervisor: what was on its way to an earlier one is lost.
    var life = 0
    var isAlive = false
    var pid: UInt64 = 0
    var boot = ""
    var member: ClusterMember
    /// When the member's timer is set, real time.
    var timerAt = Int64.max

    // Until when something is stopped, or does not get through; real time.
    var supervisorPaused: Int64 = 0
    var workersPaused: Int64 = 0
    var storeWorkerPaused: Int64 = 0
    var requestsCut: Int64 = 0
    var answersCut: Int64 = 0
    var slowUntil: Int64 = 0
    var lateUntil: Int64 = 0
    var flakyUntil: Int64 = 0
    var unsureUntil: Int64 = 0

    // The store worker.
    var link: Int?
    var linkNumber = 0
    var storeWorkerLife = 0

    // The workers: a process for each claim.
    var page: LeaseTimes?
    var sessions: [ClaimName: Session] = [:]
    var processes: [ClaimName: Int] = [:]
    // What the supervisor knows of them.
    var wanted: [ClaimName: UInt64] = [:]
    var started: [ClaimName: Int] = [:]
    /// What was stopped here, until the host starts again.
    var rested: Set<ClaimName> = []
    /// What it has not wanted at some time of this life.
    var dropped: Set<ClaimName> = []
    /// Since when a person wants it to be drained, or it is to start again after a stop.
    var isStopping = false

    init(index: Int, id: HostID, options: ModelOptions, random: inout SplitMix) {
        self.index = index
        self.id = id
        rate = 1 + options.rate * (random.below(2) == 0 ? 1 : -1)
        offset = Double(random.below(1_000_000)) * 1e9
        wallOffset = Int64(random.below(2_000_000_000)) - 1_000_000_000
        member = ClusterMember(
            .init(id: id, name: "", pid: 0, boot: "", version: "", seed: 0), length: 1, weight: 0)
    }

    /// This host's clock at that real time.
    func boot(_ real: Int64) -> BootTime { BootTime(nanoseconds: Int64(offset + rate * Double(real))) }

    /// The real time at which this host's clock shows that, or just after.
    func real(_ time: BootTime) -> Int64 {
        time == .never ? .max : time.nanoseconds <= 0 ? 0 : Int64((Double(time.nanoseconds) - offset) / rate) + 2
    }

    func wall(_ real: Int64) -> WallTime {
        WallTime(nanoseconds: 1_790_000_000_000_000_000 + real + wallOffset)
    }
}
