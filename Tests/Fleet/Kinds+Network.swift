import Foundation

/// The network between a host and the store is bad, or the store itself.
extension Kind {
    /// The network of the holder is as the line says, until another host has taken over and some time more.
    private static func network(_ name: String, _ what: String, _ line: String) -> Kind {
        Kind(name: name, what: what, bound: 3) { fleet in
            try takeover(fleet) {
                try $0.proxy.tell(line)
            } heal: {
                try $0.proxy.tell("pass")
            }
        }
    }

    /// The same, and the host goes on by itself.
    private static func shortly(
        _ name: String, _ what: String, _ line: String, leases: Double = 0.5, bound: Double = 0.5
    )
        -> Kind
    {
        Kind(name: name, what: what, bound: bound) { fleet in
            try goingOn(fleet, lasting: fleet.lease * leases, keeps: true) {
                try $0.proxy.tell(line)
            } heal: {
                try $0.proxy.tell("pass")
            }
        }
    }

    static let networks = [
        network("drop", "nothing goes through to or from the store", "hold"),
        network("drop-requests", "nothing goes through to the store", "hold-in"),
        network("drop-answers", "nothing comes from the store", "hold-out"),
        network("reset", "connections are reset", "reset"),
        network("delay", "what is sent comes 0.4 s later, each way", "delay 400"),
        network("throttle", "400 bytes a second go through", "throttle 400"),
        shortly("drop-short", "nothing goes through for a third of a lease", "hold", leases: 0.33),
        shortly("reset-short", "connections are reset for a third of a lease", "reset", leases: 0.33),
        shortly("delay-short", "what is sent comes 20 ms later, each way", "delay 20", leases: 2),
        shortly("lost-answer", "an answer is lost: nobody knows whether it was done", "cut"),
        shortly("lost-request", "a request is lost: nobody knows whether it was done", "lost"),
        Kind(name: "drop-all", what: "nothing goes through to any host, for 1.5 leases", bound: 3) { fleet in
            try goingOn(fleet, lasting: fleet.lease * 1.5, fromTheEnd: true) { _ in
                for member in fleet.members { try member.proxy.tell("hold") }
            } heal: { _ in
                for member in fleet.members { try member.proxy.tell("pass") }
            }
        },
    ]

    static let stores = [
        Kind(name: "store-stop", what: "SIGSTOP of the store for 1.5 leases", bound: 3) { fleet in
            try goingOn(fleet, lasting: fleet.lease * 1.5, fromTheEnd: true) { _ in
                try fleet.server.control("stop")
            } heal: { _ in
                try fleet.server.control("go")
            }
        },
        Kind(name: "store-pause", what: "SIGSTOP of the store for a third of a lease", bound: 0.5) { fleet in
            try goingOn(fleet, lasting: fleet.lease / 3, keeps: true) { _ in
                try fleet.server.control("stop")
            } heal: { _ in
                try fleet.server.control("go")
            }
        },
        Kind(name: "store-away", what: "the store is gone for 1.5 leases, and comes back with its data", bound: 3) {
            fleet in
            try goingOn(fleet, lasting: fleet.lease * 1.5, fromTheEnd: true) { _ in
                try fleet.server.control("down")
            } heal: { _ in
                try fleet.server.control("up")
            }
        },
        Kind(name: "store-restart", what: "the store restarts with its data", bound: 3) { fleet in
            try goingOn(fleet) { _ in
                try fleet.server.control("down")
                try fleet.server.control("up")
            }
        },
        Kind(name: "store-wiped", what: "the store restarts without its data", bound: 3) { fleet in
            try goingOn(fleet) { _ in
                try fleet.server.control("down")
                try fleet.server.control("wiped")
            }
        },
        Kind(name: "store-wiped-late", what: "the same after 1.5 leases", bound: 3) { fleet in
            try goingOn(fleet, lasting: fleet.lease * 1.5, fromTheEnd: true) { _ in
                try fleet.server.control("down")
            } heal: { _ in
                try fleet.server.control("wiped")
            }
        },
        Kind(name: "flush", what: "FLUSHALL, while it runs", bound: 3, engines: [.redis]) { fleet in
            try goingOn(fleet) { _ in try fleet.server.say("FLUSHALL") }
        },
        eviction(
            "evict-claim", "the claim's record is evicted: two may run it until the next renewal", "*/lease/routine/*"),
        eviction("evict-host", "the hosts' records are evicted: the same", "*/lease/host/*"),
    ]

    /// The server throws records away by which its hosts have leases, as it must not be configured to. The holder finds out
    /// with its next renewal, a sixth of a lease later, and its sessions end after their cycle.
    private static func eviction(_ name: String, _ what: String, _ pattern: String) -> Kind {
        Kind(name: name, what: what, bound: 3, engines: [.redis]) { fleet in
            // The holder's next renewal comes within a sixth of a lease, and its answer within another one; then a cycle ends.
            try goingOn(fleet, toleration: 0.5) { _ in
                for key in try fleet.server.say("--raw", "KEYS", pattern).split(separator: "\n") {
                    try fleet.server.say("DEL", String(key))
                }
            }
        }
    }

    static let clocks = [
        Kind(
            name: "host-clock", what: "a host's wall clock steps by up to a day", bound: 0.5, stepsHosts: true
        ) { fleet in
            try goingOn(fleet, lasting: fleet.lease, keeps: true) {
                try Fleet.set($0.step, seconds: .random(in: -86_400...86_400))
            } heal: {
                try Fleet.set($0.step, seconds: 0)
            }
        },
        Kind(
            name: "store-clock", what: "the store's wall clock steps by up to a day", bound: 0.5, engines: [.redis],
            stepsStore: true
        ) { fleet in
            let step = fleet.around.folder + "/server.step"
            return try goingOn(fleet, lasting: fleet.lease, keeps: true) { _ in
                try Fleet.set(step, seconds: .random(in: -86_400...86_400))
            } heal: { _ in
                try Fleet.set(step, seconds: 0)
            }
        },
    ]
}
