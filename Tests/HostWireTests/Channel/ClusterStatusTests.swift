import HostValues
import HostWire
import Testing

/// What a host knows of its cluster crosses the control socket as it was.
@Suite struct ClusterStatusTests {
    @Test func itIsReadAsItWasWritten() throws {
        var status = HostStatus(
            version: "1", pid: 2, host: "h", nowMs: 3, startMs: 1, uptimeMs: 2, pluginsPath: "p", statePath: "s",
            logLevel: "info")
        var cluster = ClusterStatus(name: "prod", store: "redis-store", trouble: nil, validMs: 7)
        cluster.settlingMs = 500
        cluster.counts.taken = 7
        (cluster.counts.lostInSilence, cluster.counts.takenOver, cluster.counts.recordsGone) = (1, 2, 3)
        cluster.counts.handedOver = 4
        (cluster.counts.takeovers, cluster.counts.timedTakeovers, cluster.counts.takeoverMs) = (5, 4, 9000)
        (cluster.counts.reconnects, cluster.skewMs) = (6, -12)
        var use = StoreUse(.people, .commit)
        use.count(.done(version: 1), after: 5000)
        use.count(.changed, after: 1_000_000)
        use.count(.unknown, after: .max)
        use.count(.refused(""), after: 0)
        cluster.storeUses = [StoreUse(.leases, .read), use]
        (cluster.leaseMs, cluster.held, cluster.isDraining) = (10_000, 3, true)
        cluster.members = [
            .init(id: "0a", name: "h", version: "1", weight: 100, leases: 2, silentMs: 4, isOwn: true),
            .init(
                id: "0b", name: "", version: "", weight: 0, leases: 0, silentMs: 9000, isOwn: false,
                isDraining: true),
        ]
        cluster.claims = [
            .init(id: "p/r", holder: "h", token: 9, isHere: true),
            .init(id: "p/s", holder: nil, token: nil, isHere: false),
        ]
        status.cluster = cluster
        #expect(ControlResponse(line: ControlResponse.status(status).line()) == .status(status))
        status.cluster = ClusterStatus(name: "", store: "x", trouble: "the store is not connected", validMs: nil)
        #expect(ControlResponse(line: ControlResponse.status(status).line()) == .status(status))
    }
}
