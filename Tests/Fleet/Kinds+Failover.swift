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
        try replica.control("start")
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
            var round = try takeover(fleet) { victim in
                try pair.link.tell("hold")
                // As long as a failover has to wait at the least: the lag, and the second in which Redis looks at it.
                usleep(2_500_000)
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
            round.time -= 2.5
            return round
        },
    ]
}
