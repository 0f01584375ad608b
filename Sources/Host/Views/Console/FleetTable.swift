public import HostValues
public import HostWire

/// Formats what all hosts of a cluster run for people. Pure.
public enum FleetTable {
    /// A line of the cluster, then tables of the hosts, of who holds what, of the sessions that run and of the newest that
    /// have ended.
    public static func text(
        _ fleet: FleetStatus, width: Int? = nil, isColored: Bool = false, zone: CivilTime.Zone = .local
    ) -> String {
        var text = TerminalText.clean(head(of: fleet)) + "\n\n"
        text += ClusterTable.table(
            [["HOST", "STATE", "SINCE", "SEEN", "WEIGHT", "LEASES", "ROUTINES", "RUNNING", "CLOCK", "VERSION", "ID"]]
                + fleet.hosts.map { row(of: $0, zone) })
        let names = Dictionary(fleet.hosts.map { ($0.id, $0.name) }) { first, _ in first }
        if !fleet.claims.isEmpty {
            text += "\n"
            text += ClusterTable.table(
                [["ROUTINE", "HOLDER", "TOKEN", "SINCE", "LEFT"]]
                    + fleet.claims.map { claim in
                        [
                            claim.id, claim.holder.map { names[$0] ?? $0 } ?? "nobody", "\(claim.token)",
                            claim.holder == nil ? "-" : time(claim.sinceMs, zone),
                            claim.leftMs.map { DurationText.format(milliseconds: $0) } ?? "-",
                        ]
                    })
        }
        let sessions = fleet.hosts.flatMap { host in host.sessions.map { (host: host.name, session: $0) } }
        if !sessions.isEmpty {
            text += "\n"
            text += ClusterTable.table(
                [["RUNNING", "HOST", "SESSION", "SINCE", "TOKEN"]]
                    + sessions.map {
                        [
                            $0.session.routine, $0.host, $0.session.session, time($0.session.startMs, zone),
                            $0.session.token.map { "\($0)" } ?? "-",
                        ]
                    })
        }
        // The numbers are what hosts have written into the store.
        let more = fleet.hosts.reduce(UInt64(0)) { sum, host in
            sum.clampedPlus(host.running - min(host.running, UInt64(host.sessions.count)))
        }
        if more > 0 { text += "and \(more) more\n" }
        if !fleet.records.isEmpty {
            text += "\n" + records(fleet, width: width, isColored: isColored, zone: zone)
        }
        return text
    }

    /// A table of the records, with their hosts.
    public static func records(
        _ fleet: FleetStatus, width: Int? = nil, isColored: Bool = false, zone: CivilTime.Zone = .local
    ) -> String {
        let names = Dictionary(fleet.hosts.map { ($0.id, $0.name) }) { first, _ in first }
        return RecordTable.table(fleet.records, width: width, isColored: isColored, zone: zone) { record in
            record.hostID.map { names[$0] ?? $0 } ?? record.host ?? "-"
        }
    }

    /// How old this is, and why it is not newer; in one line.
    public static func head(of fleet: FleetStatus) -> String {
        var text = "cluster \(fleet.name), store \(fleet.store)"
        if let epoch = fleet.epoch { text += ", epoch \(epoch)" }
        let age = fleet.ageMs.map { "read \(DurationText.format(milliseconds: $0)) ago" }
        if let trouble = fleet.trouble {
            text += ": \(trouble); "
            text +=
                age.map { "this was \($0)" }
                ?? "it has not been read since this host's start, and this is what the host knows"
        } else {
            text += ", " + (age ?? "not read yet")
        }
        if fleet.isCut { text += "; there is more in it than this" }
        if fleet.unreadable > 0 {
            text += fleet.unreadable == 1 ? "; one entry" : "; \(fleet.unreadable) entries"
            text += " of it cannot be read"
        }
        return text
    }

    private static func row(of host: FleetStatus.Host, _ zone: CivilTime.Zone) -> [String] {
        let isHere = host.silentMs != nil
        return [
            host.name + (host.isOwn ? " (this one)" : ""), host.state.rawValue,
            host.sinceMs.map { time($0, zone) } ?? "-",
            host.silentMs.map { "\(DurationText.format(milliseconds: $0)) ago" } ?? "-",
            isHere ? "\(host.weight)" : "-", isHere ? "\(host.leases)" : "-", "\(host.routines)",
            isHere ? "\(host.running)" : "-", host.skewMs.map { clock($0) } ?? "-", host.version, host.id,
        ]
    }

    /// How far a clock is ahead.
    private static func clock(_ ms: Int64) -> String {
        (ms < 0 ? "-" : "+") + DurationText.format(milliseconds: ms == .min ? .max : abs(ms))
    }

    private static func time(_ ms: Int64, _ zone: CivilTime.Zone) -> String {
        ms == 0 ? "-" : CivilTime(seconds: ms / 1000, zone: zone).description
    }
}
