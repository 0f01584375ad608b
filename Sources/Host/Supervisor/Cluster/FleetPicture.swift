internal import HostCluster
internal import HostValues
internal import HostWire

/// What people are shown of all hosts: what was read in the store, with what this host knows as a member. Pure.
struct FleetPicture {
    /// What was read last; nil: nothing yet.
    let view: FleetView?
    /// What this host knows as a member.
    let overview: ClusterOverview
    /// Until when what this host holds is its own; nil: it holds nothing.
    let lease: LeaseTimes?
    /// How long leases are, in ns.
    let length: Int64
    /// What this host is about.
    let mode: FleetStatus.HostState
    let now: BootTime

    /// A view that is older says less of who is a member than this host knows by itself, in ns.
    private static let recently: Int64 = 5_000_000_000

    /// All of it, with so many of the newest records.
    func status(name: String, store: String, records: Int) -> FleetStatus {
        var status = FleetStatus(name: name, store: store, leaseMs: length / 1_000_000)
        status.ageMs = view.map { max(0, now - $0.readAt) / 1_000_000 }
        status.epoch = view?.epoch?.number
        status.unreadable = UInt64(clamping: view?.unreadable ?? 0)
        status.isCut = view?.isCut ?? false
        status.hosts = hosts
        status.claims = claims
        let newest = (view?.records ?? []).sorted {
            ($0.finishMs, $0.session.rawValue) < ($1.finishMs, $1.session.rawValue)
        }
        status.records = newest.suffix(records)
        return status
    }

    // MARK: Hosts

    private var hosts: [FleetStatus.Host] {
        let seen = Dictionary(overview.hosts.map { ($0.id, $0) }) { first, _ in first }
        let ids = Set(seen.keys).union(view.map { Array($0.hosts.keys) } ?? [])
        var hosts = ids.map { host($0, view?.hosts[$0], seen[$0]) }
        let count = Dictionary(hosts.map { ($0.name, 1) }, uniquingKeysWith: +)
        for index in hosts.indices {
            let host = hosts[index]
            if host.name.isEmpty || count[host.name] != 1 {
                hosts[index].name = host.name.isEmpty ? host.id : "\(host.name) (\(host.id.prefix(8)))"
            }
        }
        return hosts.sorted {
            $0.name == $1.name ? $0.id < $1.id : NaturalOrder.precedes($0.name, $1.name)
        }
    }

    private func host(_ id: HostID, _ read: FleetView.Host?, _ seen: ClusterOverview.Host?) -> FleetStatus.Host {
        let (member, report) = (read?.member, read?.report)
        let isRecent = view.map { now - $0.readAt < Self.recently } ?? false
        let isMember = isRecent ? read?.isMember ?? false : seen != nil
        let silence = seen.map { max(0, now - $0.since) }
        let isOwn = id == overview.own
        var host = FleetStatus.Host(
            id: id.description, name: member?.name ?? report?.name ?? seen?.name ?? "", isOwn: isOwn,
            state: isOwn
                ? mode
                : Self.state(
                    isMember: isMember, isSilent: (silence ?? 0) > length / 2,
                    isDraining: member?.isDraining ?? seen?.isDraining ?? false, report?.mode))
        host.version = member?.version ?? report?.version ?? seen?.version ?? ""
        if isMember {
            host.silentMs = silence.map { $0 / 1_000_000 }
            host.weight = member?.weight ?? seen?.weight ?? 0
            host.leases = member?.leases ?? seen?.leases ?? 0
        }
        guard let report else { return host }
        host.startMs = report.startMs
        host.skewMs = report.skewMs
        host.routines = report.routines
        switch host.state {
        case .serving, .draining, .leaving, .silent:
            (host.running, host.quarantined) = (report.running, report.quarantined)
            host.sinceMs = host.state == .silent ? nil : report.modeMs
            host.sessions = report.sessions.map {
                .init(routine: $0.routine, session: $0.session.description, startMs: $0.startMs, token: $0.token)
            }
        case .left: host.sinceMs = report.modeMs
        case .gone: host.sinceMs = report.wroteMs
        }
        return host
    }

    private static func state(isMember: Bool, isSilent: Bool, isDraining: Bool, _ said: HostReport.Mode?)
        -> FleetStatus.HostState
    {
        if !isMember { return said == .left ? .left : .gone }
        if isSilent { return .silent }
        if said == .leaving { return .leaving }
        return isDraining ? .draining : .serving
    }

    // MARK: Claims

    private var claims: [FleetStatus.Claim] {
        let known = view?.claims.map { name, record in
            claim(name, record.host, record.token, sinceMs: record.sinceMs)
        }
        let own = overview.claims.filter { view?.claims[$0.name] == nil }.map {
            claim($0.name, $0.holder, $0.token ?? 0, sinceMs: 0)
        }
        return ((known ?? []) + own).sorted { NaturalOrder.precedes($0.id, $1.id) }
    }

    private func claim(_ name: ClaimName, _ holder: HostID?, _ token: UInt64, sinceMs: Int64) -> FleetStatus.Claim {
        var left: Int64?
        if let holder, holder == overview.own {
            left = lease.map { max(0, $0.kill - now) }
        } else if let holder, let seen = overview.hosts.first(where: { $0.id == holder }) {
            left = max(0, length - max(0, now - seen.since))
        }
        return FleetStatus.Claim(
            id: name.description, holder: holder?.description, token: token, sinceMs: sinceMs,
            leftMs: left.map { $0 / 1_000_000 })
    }
}
