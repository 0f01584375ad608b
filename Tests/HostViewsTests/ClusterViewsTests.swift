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
        var foreign = Self.cluster
        foreign.name = "a\u{9B}2J"
        foreign.trouble = "the store refuses to write lease/epoch: \u{1B}[2J\u{202E}no"
        let shown = ClusterTable.text(foreign)
        #expect(!shown.unicodeScalars.contains { ["\u{1B}", "\u{9B}", "\u{202E}"].contains($0) }, "\(shown)")
        #expect(shown.contains("[2J"))
    }

    private static let fleet: FleetStatus = {
        var fleet = FleetStatus(name: "prod", store: "redis-store", leaseMs: 10_000)
        (fleet.ageMs, fleet.epoch) = (12, 3)
        var (one, other) = (
            FleetStatus.Host(id: "0a", name: "web", isOwn: true, state: .serving),
            FleetStatus.Host(id: "0b", name: "db\u{1B}[2J", isOwn: false, state: .gone)
        )
        (one.silentMs, one.weight, one.leases, one.routines, one.running, one.version) = (40, 100, 1, 7, 3, "1.0")
        one.skewMs = -1500
        one.sessions = [.init(routine: "p/r#3", session: "s1", startMs: 1000, token: 9)]
        other.sinceMs = 60_000
        fleet.hosts = [other, one]
        fleet.claims = [
            .init(id: "p/r#3", holder: "0a", token: 9, sinceMs: 1000, leftMs: 7500),
            .init(id: "p/s", holder: "0c", token: 4, sinceMs: 0, leftMs: nil),
            .init(id: "p/t", holder: nil, token: 5, sinceMs: 0, leftMs: nil),
        ]
        var record = SessionRecord(
            session: SessionID(rawValue: 9), plugin: "p", routine: "r#3", host: "x", startMs: 0, finishMs: 1000,
            durationMs: 1000, cycles: 5, reason: .init(.handedOver), leaseToken: 8, shard: RoutineShard(3, of: 4))
        record.hostID = "0b"
        fleet.records = [record]
        return fleet
    }()

    @Test func theFleetsTableSaysWhatAllHostsRun() {
        let text = FleetTable.text(Self.fleet, zone: .utc)
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.first == "cluster prod, store redis-store, epoch 3, read 12 ms ago")
        #expect(lines.contains("web (this one) serving - 40 ms ago 100 1 7 3 -1.5 s 1.0 0a"), "\(text)")
        #expect(lines.contains { $0.hasSuffix("gone 1970-01-01 00:01:00 - - - 0 - - 0b") }, "\(text)")
        #expect(lines.contains("p/r#3 web 9 1970-01-01 00:00:01 7.5 s"), "\(text)")
        #expect(lines.contains("p/s 0c 4 - -") && lines.contains("p/t nobody 5 - -"), "\(text)")
        #expect(lines.contains("p/r#3 web s1 1970-01-01 00:00:01 9") && lines.contains("and 2 more"), "\(text)")
        #expect(lines.contains { $0.hasPrefix("p/r#3 db") && $0.hasSuffix("handed_over") }, "\(text)")
        #expect(!text.contains("\u{1B}"), "what others have written is cleaned")
    }

    @Test func whatIsOldSaysSo() {
        var fleet = Self.fleet
        fleet.trouble = "the store is not connected"
        (fleet.isCut, fleet.unreadable) = (true, 2)
        #expect(
            FleetTable.head(of: fleet)
                == "cluster prod, store redis-store, epoch 3: the store is not connected; this was read 12 ms ago; there is more in "
                + "it than this; 2 entries of it cannot be read")
        (fleet.ageMs, fleet.isCut, fleet.unreadable) = (nil, false, 1)
        #expect(
            FleetTable.head(of: fleet).hasSuffix(
                "; it has not been read since this host's start, and this is what the host knows; one entry of it cannot be read"
            ))
    }

    @Test func theMetricsHaveLeasesByRoutineAndPart() {
        var status = HostStatus(
            version: "1", pid: 2, host: "h", nowMs: 3, startMs: 1, uptimeMs: 2, pluginsPath: "p", statePath: "s",
            logLevel: "info")
        #expect(!String(decoding: MetricsText.text(status), as: UTF8.self).contains("lease"))
        status.cluster = Self.cluster
        #expect(
            !String(decoding: MetricsText.text(status), as: UTF8.self).contains(
                "\nschedhost_cluster_clock_skew_seconds "), "not known")
        var use = StoreUse(.leases, .commit)
        use.count(.done(version: 1), after: 3_000_000)
        use.count(.changed, after: 1_000_000)
        status.cluster?.storeUses = [StoreUse(.leases, .read), use]
        status.cluster?.skewMs = -1500
        status.cluster?.counts.takeovers = 3
        status.cluster?.counts.timedTakeovers = 2
        status.cluster?.counts.takeoverMs = 4500
        status.cluster?.counts.reconnects = 4
        let text = String(decoding: MetricsText.text(status), as: UTF8.self)
        let json = String(decoding: MetricsJSON.json(status), as: UTF8.self)
        #expect(
            json.contains("{\"name\":\"schedhost_lease_takeover_seconds_sum\",\"labels\":{},\"value\":4.5}"), "\(json)")
        for line in [
            "schedhost_cluster_clock_skew_seconds -1.5", "schedhost_lease_takeovers_total 3",
            "schedhost_lease_takeover_seconds_sum 4.5", "schedhost_lease_takeover_seconds_count 2",
            "schedhost_store_reconnects_total 4",
            "schedhost_store_requests_total{for=\"leases\",op=\"commit\",status=\"done\"} 1",
            "schedhost_store_requests_total{for=\"leases\",op=\"commit\",status=\"changed\"} 1",
            "schedhost_store_requests_total{for=\"leases\",op=\"read\",status=\"done\"} 0",
            "schedhost_store_request_seconds_bucket{for=\"leases\",op=\"commit\",le=\"+Inf\"} 2",
            "schedhost_store_request_seconds_sum{for=\"leases\",op=\"commit\"} 0.004",
            "schedhost_store_request_seconds_count{for=\"leases\",op=\"commit\"} 2",
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
