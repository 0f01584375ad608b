internal import HostValues

/// What follows for the claims of a host from what it has read of their records. Pure.
///
/// What is missing in the store is written back only while the epoch is not settled, and where nobody has a greater token;
/// else it is lost.
struct ClaimReview {
    /// What has happened to claims.
    private(set) var events: [(name: ClaimName, event: ClaimMachine.Event)] = []
    /// The keys of claims that are to be written back.
    private(set) var missing: [String] = []
    /// Whether any claim is lost.
    private(set) var hasLosses = false

    /// Compares what the table says is held with the records. `kill`: until when sessions of what is lost may live.
    init(
        of claims: ClaimTable, _ view: ClusterView, by requests: MemberRequests, kill: BootTime, at now: BootTime,
        without rule: LeaseRule?
    ) {
        guard claims.isBusy else { return }
        for key in claims.heldKeys {
            guard let row = claims[key], let token = row.machine.token else { continue }
            let record = view.claims[key]?.record
            let isHeld = requests.holds(record, token: token)
            switch row.machine.state {
            case .taking, .quitting:
                events.append((row.name, isHeld && rule != .ownRecordIsMine ? .granted : .denied))
            case .releasing: if !isHeld { events.append((row.name, .released)) }
            case .running, .ending:
                if isHeld || rule == .claimsInRenewal { continue }
                let isBelow = view.claims[key] == nil || record.map { $0.token < token } == true
                if isBelow, !view.epoch.isSettled(at: now) {
                    missing.append(key)
                } else {
                    hasLosses = true
                    events.append((row.name, .lost(.init(by: record, to: requests.host), kill: kill)))
                }
            case .standby, .barred, .lost: break
            }
        }
    }
}
