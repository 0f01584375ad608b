import Foundation

/// A Redis server, and a replica that can take its place.
final class Replication {
    private(set) var primary: Server
    private(set) var replica: Server
    /// Between the replica and its primary.
    let link: Proxy

    init(of server: Server, in around: Surroundings) throws {
        primary = server
        replica = Server(around: around, folder: around.folder + "/server2")
        link = try Proxy("replica", to: server.socket, in: around)
        try replica.control("wiped")
        try follow()
    }

    private func follow() throws {
        try replica.say("REPLICAOF", "127.0.0.1", "\(link.port)")
        let now = replica
        try waitFor("the replica follows", seconds: 20) {
            (try? now.say("INFO", "replication"))?.contains("master_link_status:up") == true
        }
    }

    /// The replica is the primary from here on; what it had not received is lost.
    func promote() throws {
        try replica.say("REPLICAOF", "NO", "ONE")
        swap(&primary, &replica)
    }

    /// The one that was the primary, which is down, comes back as a replica, with nothing of what it had.
    func replace() throws {
        try link.tell("to \(primary.socket)")
        try link.tell("pass")
        try replica.control("wiped")
        try follow()
    }

    func end() { for server in [primary, replica] { try? server.control("end") } }
}

extension Kind {
    static let failovers = [
        Kind(
            name: "failover", what: "the primary dies, and a replica that lacks its last commits takes its place",
            bound: 3,
            engines: [.redis], replicates: true
        ) { fleet in
            let pair = try fleet.replication()
            let round = try goingOn(fleet) { _ in
                try pair.link.tell("hold")
                usleep(.random(in: 0...900_000))
                try pair.primary.control("down")
                try pair.promote()
                for member in fleet.members { try member.proxy.tell("to \(pair.primary.socket)") }
            }
            try pair.replace()
            return round
        },
        Kind(
            name: "two-primaries", what: "a replica is promoted, and the holder's primary, cut off from it, serves on",
            bound: 4, engines: [.redis], replicates: true
        ) { fleet in
            let pair = try fleet.replication()
            try pair.primary.say("CONFIG", "SET", "min-replicas-to-write", "1", "min-replicas-max-lag", "1")
            // As long as a failover has to wait at the least: the lag, and the second in which Redis looks at it.
            return try split(fleet, pair, after: 2.5)
        },
        Kind(
            name: "two-primaries-open", what: "the same without min-replicas-to-write: two run it, under two tokens",
            bound: 4, engines: [.redis], replicates: true
        ) { fleet in
            fleet.log.bearsUntil = .infinity
            var round = try split(fleet, try fleet.replication(), after: 0)
            fleet.log.bearsUntil = bootSeconds() + fleet.lease / 2
            let tokens = Dictionary(grouping: fleet.log.cycles, by: \.host).mapValues { Set($0.map(\.token)) }
            if Set(tokens.values.joined()).count < tokens.values.map(\.count).reduce(0, +) {
                round.fault = "two hosts had one token"
            }
            return round
        },
    ]

    /// Redis has another name for its data when its first replica comes: who connects then knows it by that one, and who is
    /// connected by the old one.
    static let renamings = [
        Kind(
            name: "first-replica", what: "a first replica comes, a host restarts, and then the holder dies", bound: 4,
            engines: [.redis]
        ) { fleet in
            try fleet.server.say("CONFIG", "SET", "repl-backlog-ttl", "1")
            var died = 0.0
            let begin = bootSeconds()
            var round = try takeover(fleet) { victim in
                let pair = try Replication(of: fleet.server, in: fleet.around)
                defer { try? pair.replica.control("end") }
                guard let other = fleet.members.first(where: { $0 !== victim }) else { return }
                other.die()
                try other.start()
                usleep(UInt32(fleet.lease / 2 * 1e6))
                died = bootSeconds()
                victim.die()
            } heal: {
                try $0.start()
            }
            round.time -= died - begin
            return round
        }
    ]

    /// The replica is promoted after so many seconds, and all but the holder are led to it.
    private static func split(_ fleet: Fleet, _ pair: Replication, after seconds: Double) throws -> Round {
        var round = try takeover(fleet) { victim in
            try pair.link.tell("hold")
            usleep(UInt32(seconds * 1e6))
            try pair.promote()
            for member in fleet.members where member !== victim {
                try member.proxy.tell("to \(pair.primary.socket)")
                // What is connected to the old one stays so.
                try member.proxy.tell("reset")
                try member.proxy.tell("pass")
            }
        } heal: { victim in
            try victim.proxy.tell("to \(pair.primary.socket)")
            try pair.replica.control("down")
            try pair.replace()
        }
        round.time -= seconds
        return round
    }
}
