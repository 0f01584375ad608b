import Foundation

/// People, and who acts for them, want a host to give its routines to others.
extension Kind {
    /// The host gives them back in order: the time is that from its last cycle to the next one, on another host.
    private static func handOver(
        _ name: String, _ what: String, _ inject: @escaping (Fleet, Member) throws -> Void,
        heal: @escaping (Fleet, Member) throws -> Void
    ) -> Kind {
        Kind(name: name, what: what, bound: 0.5) { fleet in
            var end = 0.0
            var name = ""
            var round = try takeover(fleet) {
                name = $0.name
                try inject(fleet, $0)
            } heal: {
                end = fleet.log.ends[name] ?? 0
                try heal(fleet, $0)
            }
            let next = fleet.log.cycles.first { $0.host != name && $0.time > end }
            round.time = (next?.time ?? .infinity) - end
            return round
        }
    }

    static let orders = [
        handOver("leave", "a host is asked to stop: from its last cycle to the next one") { fleet, member in
            try member.leave(seconds: fleet.lease)
        } heal: { _, member in
            try member.start()
        },
        handOver("drain", "schedhost cluster drain, and undrain: the same") { fleet, member in
            try member.order("drain", within: fleet.lease)
        } heal: { fleet, member in
            try member.order("undrain", within: fleet.lease)
        },
        handOver("move", "schedhost cluster move: the same") { fleet, member in
            try member.order("move", "exclusive/run", within: fleet.lease)
        } heal: { fleet, _ in
            // It does not take it again for three leases: else all three hosts would soon be barred.
            usleep(UInt32(fleet.lease * 1.5 * 1e6))
        },
    ]
}
