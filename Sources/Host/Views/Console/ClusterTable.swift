internal import HostValues
public import HostWire

/// Formats what a host knows of its cluster for people. Pure.
public enum ClusterTable {
    /// The line of this host, then tables of the hosts and of who holds what.
    public static func text(_ cluster: ClusterStatus) -> String {
        var text = "cluster \(cluster.name), store \(cluster.store): "
        if let trouble = cluster.trouble {
            text += trouble
        } else {
            let time = DurationText.format(milliseconds: max(0, cluster.validMs ?? 0))
            text += "this host is a member, and its leases last for \(time) unless they are renewed"
        }
        if cluster.isDraining {
            text +=
                cluster.held > 0
                ? "; it is drained, and \(cluster.held) of its leases are not given back yet"
                : "; it is drained, and takes no lease until: schedhost cluster undrain"
        }
        text = TerminalText.clean(text) + "\n\n"
        text += table(
            [["HOST", "WEIGHT", "LEASES", "SEEN", "VERSION", "ID"]]
                + cluster.members.map { member in
                    [
                        (member.name.isEmpty ? "?" : member.name) + (member.isOwn ? " (this one)" : ""),
                        "\(member.weight)" + (member.isDraining ? " (drained)" : ""), "\(member.leases)",
                        "\(DurationText.short(milliseconds: max(0, member.silentMs))) ago", member.version, member.id,
                    ]
                })
        guard !cluster.claims.isEmpty else { return text }
        let rows = cluster.claims.map { claim in
            [
                claim.id, (claim.holder ?? "nobody") + (claim.isHere ? " (here)" : ""),
                claim.token.map { "\($0)" } ?? "-",
            ]
        }
        return text + "\n" + table([["ROUTINE", "HOLDER", "TOKEN"]] + rows)
    }

    /// Rows with their columns below one another.
    static func table(_ rows: [[String]]) -> String {
        let cells = rows.map { $0.map { TerminalText.clean($0) } }
        let widths = (cells.first ?? []).indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
                .joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
