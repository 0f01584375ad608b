import HostValues
import HostViews
import HostWire
import Testing

/// What people and machines see of a cluster.
@Suite struct ClusterViewsTests {
    private static let cluster: ClusterStatus = {
        var cluster = ClusterStatus(name: "prod", store: "redis-store", trouble: nil, validMs: 7500)
        (cluster.leaseMs, cluster.held, cluster.isDraining) = (10_000, 2, true)
        cluster.members = [
            .init(
                id: "0a", name: "web (0a)", version: "1", weight: 100, leases: 2, silentMs: 40, isOwn: true,
                isDraining: true),
            .init(id: "0b", name: "web (0b)", version: "1", weight: 0, leases: 1, silentMs: 900, isOwn: false),
        ]
        cluster.claims = [
            .init(id: "p/r#3", holder: "web (0a)", token: 9, isHere: true),
            .init(id: "p/s", holder: nil, token: nil, isHere: false),
        ]
        cluster.counts.taken = 5
        cluster.counts.takenOver = 1
        return cluster
    }()

    @Test func theTableSaysWhoIsDrainedAndWhoHoldsWhat() {
        let text = ClusterTable.text(Self.cluster)
        #expect(text.contains("it is drained, and 2 of its leases are not given back yet"))
        #expect(text.contains("web (0a) (this one)  100 (drained)"))
        #expect(text.contains("p/r#3    web (0a) (here)  9"), "\(text)")
        var done = Self.cluster
        done.held = 0
        #expect(ClusterTable.text(done).contains("takes no lease until: schedhost cluster undrain"))
    }

    @Test func theMetricsHaveLeasesByRoutineAndPart() {
        var status = HostStatus(
            version: "1", pid: 2, host: "h", nowMs: 3, startMs: 1, uptimeMs: 2, pluginsPath: "p", statePath: "s",
            logLevel: "info")
        #expect(!String(decoding: MetricsText.text(status), as: UTF8.self).contains("lease"))
        status.cluster = Self.cluster
        let text = String(decoding: MetricsText.text(status), as: UTF8.self)
        for line in [
            "schedhost_cluster_up 1", "schedhost_cluster_hosts 2", "schedhost_cluster_draining 1",
            "schedhost_lease_valid_seconds 7.5", "schedhost_lease_taken_total 5",
            "schedhost_lease_lost_total{cause=\"taken_over\"} 1",
            "schedhost_lease_held{plugin=\"p\",routine=\"r\",shard=\"3\"} 1",
            "schedhost_lease_held{plugin=\"p\",routine=\"s\"} 0",
            "schedhost_lease_token{plugin=\"p\",routine=\"r\",shard=\"3\"} 9",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }
}
