public import HostValues

/// What a host knows of its cluster, for people: the hosts that there are, and who holds what.
///
/// It is as this host has read it, at most a few renewals ago.
public struct ClusterOverview: Equatable, Sendable {
    /// A host that takes part.
    public struct Host: Equatable, Sendable {
        /// Its id.
        public let id: HostID
        /// What people call it; nil: its record cannot be read.
        public let name: String?
        /// Its program's version.
        public let version: String
        /// How much it takes.
        public let weight: UInt64
        /// Whether it gives up what it has, and takes nothing.
        public let isDraining: Bool
        /// How many claims it holds, as it says itself.
        public let leases: UInt64
        /// Since when this host has read its record unchanged.
        public let since: BootTime
    }

    /// A claim in which this host takes part.
    public struct Claim: Equatable, Sendable {
        /// What is claimed.
        public let name: ClaimName
        /// Who holds it, by the record in the store; nil: nobody.
        public let holder: HostID?
        /// The token of who holds it, or held it last; nil: there is no record that can be read.
        public let token: UInt64?
        /// Whether sessions may run here.
        public let isHeldHere: Bool
    }

    /// This host.
    public let own: HostID
    /// The hosts, by id.
    public let hosts: [Host]
    /// The claims, by name.
    public let claims: [Claim]

    init(_ own: HostID, _ view: ClusterView, _ table: ClaimTable) {
        self.own = own
        hosts = view.hosts.values.compactMap { seen in
            seen.id.map { id in
                Host(
                    id: id, name: seen.record?.name, version: seen.record?.version ?? "",
                    weight: seen.record?.weight ?? 0, isDraining: seen.record?.isDraining ?? false,
                    leases: seen.record?.leases ?? 0, since: seen.since)
            }
        }
        .sorted { $0.id < $1.id }
        claims = table.keys.compactMap { key in
            guard let row = table[key] else { return nil }
            let record = view.claims[key]?.record
            let isHeldHere = if case .running = row.machine.state { true } else { false }
            return Claim(name: row.name, holder: record?.host, token: record?.token, isHeldHere: isHeldHere)
        }
    }

    /// What people call that host.
    public func name(of host: HostID) -> String { hosts.first { $0.id == host }?.name ?? host.description }

    /// That claim, if this host takes part in it.
    public func claim(_ name: ClaimName) -> Claim? { claims.first { $0.name == name } }
}
