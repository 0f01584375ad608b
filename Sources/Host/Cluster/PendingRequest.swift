internal import HostValues

/// A request that the store has not answered yet, and what it is for.
struct PendingRequest: Sendable {
    enum Purpose: Equatable, Sendable {
        case survey, epoch, renewal, take(String), release(String), bury, sweep, leave
    }

    let id: UInt64
    let purpose: Purpose
    let request: StoreRequest
    let asked: BootTime
    /// How long leases were when it was asked, ns.
    let length: Int64
}
