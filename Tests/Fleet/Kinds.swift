import Foundation

/// What goes wrong in each round, and what must hold nevertheless.
struct Kind {
    /// What a round has shown.
    struct Round {
        /// How long the routine did not begin, s; or what else the kind measures.
        var time: Double
        /// What else should be, and is not.
        var fault: String?
    }

    let name: String
    /// For people.
    let what: String
    /// The longest `time` that is borne, in leases.
    let bound: Double
    var engines: [Engine] = [.redis, .etcd]
    var stepsHosts = false
    var stepsStore = false
    /// The store has a replica from the start on: Redis gives its data another name when the first one comes.
    var replicates = false
    /// One round is made where so many were asked for, because each takes long.
    var rarity = 1
    let run: (Fleet) throws -> Round

    static let all = hosts + parts + networks + stores + failovers + renamings + clocks + orders + chaos

    /// A wait in which the moment of the fault is by chance: within a cycle or not, before a renewal or after it.
    private static func linger(_ fleet: Fleet) { usleep(UInt32.random(in: 0...UInt32(fleet.lease / 3 * 1e6))) }

    /// A round in which another host has to take over while the fault lasts. `heal` mends it some time later.
    static func takeover(
        _ fleet: Fleet, _ inject: (Member) throws -> Void, heal: (Member) throws -> Void
    ) throws -> Round {
        linger(fleet)
        let victim = try fleet.holder()
        fleet.log.forget()
        let time = bootSeconds()
        try inject(victim)
        do {
            let next = try fleet.log.await(
                "another host takes over from \(victim.name)", after: time, within: fleet.lease * 6
            ) { $0.host != victim.name }
            linger(fleet)
            try heal(victim)
            return Round(time: next.time - time)
        } catch {
            try? heal(victim)
            throw error
        }
    }

    /// A round in which it has to go on by itself after a fault of that length: from the begin of the fault, or from its
    /// end where nobody can run it meanwhile. `keeps`: the same host goes on, under the same token. `toleration`: two hosts
    /// may run it for so long after the fault began, in leases, and the token tells them apart: what no lease can prevent.
    static func goingOn(
        _ fleet: Fleet, lasting seconds: Double = 0, fromTheEnd: Bool = false, keeps: Bool = false,
        toleration: Double = 0,
        _ inject: (Member) throws -> Void, heal: (Member) throws -> Void = { _ in }
    ) throws -> Round {
        linger(fleet)
        let victim = try fleet.holder()
        let token = fleet.log.last?.token
        fleet.log.forget()
        let begin = bootSeconds()
        fleet.log.bearsUntil = begin + toleration * fleet.lease
        try inject(victim)
        usleep(UInt32(seconds * 1e6))
        let end = bootSeconds()
        try heal(victim)
        let next = try fleet.log.await("the routine goes on", after: end, within: fleet.lease * 6)
        // Some more, so that a loss that comes late is seen.
        usleep(UInt32(fleet.lease / 4 * 1e6))
        let last = try fleet.log.await("the routine stays", after: bootSeconds(), within: fleet.lease * 6)
        let fault = keeps && last.token != token ? "token \(token ?? 0) became \(last.token)" : nil
        return Round(time: fromTheEnd ? next.time - end : fleet.log.longestGap(since: begin), fault: fault)
    }

    static func signal(_ processes: [pid_t?], _ number: Int32) {
        for case let process? in processes { kill(process, number) }
    }
}
