internal import HostValues
internal import HostWire

/// The metrics of a host's part in its cluster, as families of samples; a host in no cluster has none. Pure.
struct ClusterMetrics {
    /// A family with its samples.
    struct Family {
        let name: String
        let type: String
        let help: String
        let samples: [(labels: MetricLabels, value: MetricNumber)]
        /// Samples whose names are the family's with something behind it.
        var more: [(name: String, labels: MetricLabels, value: MetricNumber)] = []
    }

    let families: [Family]

    init(_ cluster: ClusterStatus) {
        func one(_ name: String, _ type: String, _ help: String, _ value: MetricNumber) -> Family {
            Family(
                name: "schedhost_" + name, type: type, help: help, samples: [(labels: MetricLabels.none, value: value)])
        }
        let counts = cluster.counts
        let losses = [
            ("silence", counts.lostInSilence), ("taken_over", counts.takenOver), ("record_gone", counts.recordsGone),
        ]
        let claims = cluster.claims.map { (claim: $0, labels: Self.labels(of: $0.id)) }
        var tokens: [(labels: MetricLabels, value: MetricNumber)] = []
        for (claim, labels) in claims {
            if let token = claim.token { tokens.append((labels: labels, value: .count(token))) }
        }
        let skew = cluster.skewMs.map { [(labels: MetricLabels.none, value: MetricNumber.real(Double($0) / 1000))] }
        families = [
            one(
                "cluster_up", "gauge", "Whether this host is a member whose leases are valid.",
                .count(cluster.trouble == nil ? 1 : 0)),
            one("cluster_hosts", "gauge", "Hosts of the cluster.", .count(UInt64(cluster.members.count))),
            one(
                "cluster_draining", "gauge", "Whether a person wants this host to hold no lease.",
                .count(cluster.isDraining ? 1 : 0)),
            one(
                "cluster_settling_seconds", "gauge",
                "For how long nothing is taken yet, since the store may have lost something.",
                .real(Double(cluster.settlingMs) / 1000)),
            one(
                "lease_valid_seconds", "gauge", "For how long this host's leases last, unless they are renewed.",
                .real(Double(cluster.validMs ?? 0) / 1000)),
            one("lease_taken_total", "counter", "Leases that this host was given.", .count(counts.taken)),
            one(
                "lease_takeovers_total", "counter", "Those of them that a host held which was gone.",
                .count(counts.takeovers)),
            Family(
                name: "schedhost_lease_takeover_seconds", type: "summary",
                help: "For how long nobody held those, from the last sign of life of who held it before.",
                samples: [],
                more: [
                    (name: "_sum", labels: .none, value: .real(Double(counts.takeoverMs) / 1000)),
                    (name: "_count", labels: .none, value: .count(counts.timedTakeovers)),
                ]),
            Family(
                name: "schedhost_cluster_clock_skew_seconds", type: "gauge",
                help: "How far this host's clock is ahead of the store's.", samples: skew ?? []),
            one(
                "store_reconnects_total", "counter", "How often the store of leases was connected again.",
                .count(counts.reconnects)),
            Self.requests(cluster.storeUses), Self.durations(cluster.storeUses),
            one("lease_handed_over_total", "counter", "Leases that it has given back.", .count(counts.handedOver)),
            Family(
                name: "schedhost_lease_lost_total", type: "counter", help: "Leases that it has lost, by the cause.",
                samples: losses.map {
                    (labels: MetricLabels([(name: "cause", value: $0.0)]), value: MetricNumber.count($0.1))
                }),
            Family(
                name: "schedhost_lease_held", type: "gauge", help: "Whether this host runs it.",
                samples: claims.map { (labels: $0.labels, value: MetricNumber.count($0.claim.isHere ? 1 : 0)) }),
            Family(
                name: "schedhost_lease_token", type: "gauge", help: "The token of who holds it, or held it last.",
                samples: tokens),
        ]
    }

    private static func requests(_ uses: [StoreUse]) -> Family {
        var samples: [(labels: MetricLabels, value: MetricNumber)] = []
        for use in uses {
            for (status, count) in [
                ("done", use.done), ("changed", use.changed), ("unknown", use.unknown), ("refused", use.refused),
            ] {
                samples.append(
                    (labels: MetricLabels(labels(of: use) + [(name: "status", value: status)]), value: .count(count)))
            }
        }
        return Family(
            name: "schedhost_store_requests_total", type: "counter",
            help: "What this host has asked of its cluster's stores, and what came of it.", samples: samples)
    }

    private static func durations(_ uses: [StoreUse]) -> Family {
        var family = Family(
            name: "schedhost_store_request_seconds", type: "histogram",
            help: "How long those took: for caches in the store's worker, else to the supervisor.", samples: [])
        for use in uses {
            let labels = labels(of: use)
            var below: UInt64 = 0
            for (bucket, count) in use.durations.counts.enumerated() {
                below = below.clampedPlus(count)
                let isLast = bucket == use.durations.counts.count - 1
                let bound = isLast ? "+Inf" : "\(Double(LedgerHistogram.upperEnd(bucket)) / 1e9)"
                family.more.append(
                    (name: "_bucket", labels: MetricLabels(labels + [(name: "le", value: bound)]), value: .count(below))
                )
            }
            family.more.append((name: "_sum", labels: MetricLabels(labels), value: .real(Double(use.totalNs) / 1e9)))
            family.more.append((name: "_count", labels: MetricLabels(labels), value: .count(below)))
        }
        return family
    }

    private static func labels(of use: StoreUse) -> [(name: String, value: String)] {
        [(name: "for", value: use.purpose.rawValue), (name: "op", value: use.operation.rawValue)]
    }

    /// The labels of `plugin/routine#shard`.
    private static func labels(of id: String) -> MetricLabels {
        let parts = id.split(separator: "/", maxSplits: 1).map { String($0) }
        let (routine, shard) = RoutineShard.split(parts.last ?? "")
        return MetricLabels(
            [(name: "plugin", value: parts.first ?? ""), (name: "routine", value: routine)]
                + (shard.map { [(name: "shard", value: "\($0)")] } ?? []))
    }
}
