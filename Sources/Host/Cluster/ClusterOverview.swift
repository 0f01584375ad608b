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
        /// How long leases are to be by its configuration, in ms; nil: its record cannot be read.
        public let leaseMs: UInt64?
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
        /// Whether there is a record, and it is of a form that this host does not know, or there was no room for it.
        public let isUnknown: Bool
        /// What the store says that will not write its record; nil: it takes it.
        public let refusal: String?
    }

    /// This host.
    public let own: HostID
    /// The hosts, by id.
    public let hosts: [Host]
    /// The claims, by name.
    public let claims: [Claim]

    /// When the epoch has settled; `never`: none was read.
    public let settling: BootTime
    /// How many claims this host holds, or is about to, or has not given back yet.
    public let held: Int
    /// What this host has taken over from others.
    public let takeovers: Takeovers
    private let names: [HostID: String]
    private let places: [ClaimName: Int]

    init(_ own: HostID, _ view: ClusterView, _ table: ClaimTable, _ refusals: StoreRefusals) {
        self.own = own
        settling = view.epoch.settling
        held = table.held
        takeovers = view.takeovers
        hosts = view.hosts.values.compactMap { seen in
            seen.id.map { id in
                Host(
                    id: id, name: seen.record?.name, version: seen.record?.version ?? "",
                    weight: seen.record?.weight ?? 0, isDraining: seen.record?.isDraining ?? false,
                    leases: seen.record?.leases ?? 0, leaseMs: seen.record?.leaseMs, since: seen.since)
            }
        }
        .sorted { $0.id < $1.id }
        let known: [Claim] = table.keys.compactMap { key in
            guard let row = table[key] else { return nil }
            let seen = view.claims[key]
            let isHeldHere = if case .running = row.machine.state { true } else { false }
            return Claim(
                name: row.name, holder: seen?.record?.host, token: seen?.record?.token, isHeldHere: isHeldHere,
                isUnknown: seen.map { $0.record == nil } ?? view.isUnlisted(key), refusal: refusals.text(of: key))
        }
        claims = known
        names = Self.names(of: hosts)
        places = Dictionary(known.indices.map { (known[$0].name, $0) }) { first, _ in first }
    }

    /// What tells hosts apart: their names, and of hosts with the same name also where their ids begin.
    private static func names(of hosts: [Host]) -> [HostID: String] {
        let count = Dictionary(hosts.map { ($0.name ?? "", 1) }) { $0 + $1 }
        return Dictionary(
            hosts.map { host in
                let isAlone = count[host.name ?? ""] == 1
                return (host.id, host.name.map { isAlone ? $0 : "\($0) (\(host.id.short))" } ?? host.id.description)
            }
        ) { first, _ in first }
    }

    /// What people call that host.
    public func name(of host: HostID) -> String { names[host] ?? host.description }

    /// The hosts that people may mean by a name, or by how an id begins.
    public func hosts(called text: String) -> [Host] {
        let exact = hosts.filter { $0.name == text || $0.id.description == text || name(of: $0.id) == text }
        if !exact.isEmpty || text.utf8.count < 4 { return exact }
        return hosts.filter { $0.id.description.hasPrefix(text) }
    }

    /// That claim, if this host takes part in it.
    public func claim(_ name: ClaimName) -> Claim? { places[name].map { claims[$0] } }
}

extension HostID {
    /// Enough of it to tell a few hosts apart.
    var short: String { String(description.prefix(8)) }
}
