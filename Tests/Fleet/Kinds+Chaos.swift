import Foundation

/// Several faults at once, by chance.
extension Kind {
    /// Something that goes wrong for a while.
    private struct Trial {
        let name: String
        /// Makes it happen to that host, and returns what mends it.
        let begin: (Fleet, Member) throws -> () throws -> Void
    }

    private static func network(_ line: String) -> Trial {
        Trial(name: line) { _, member in
            try member.proxy.tell(line)
            return { try member.proxy.tell("pass") }
        }
    }

    private static func stop(_ name: String, _ processes: @escaping (Member) -> [pid_t?]) -> Trial {
        Trial(name: "stop " + name) { _, member in
            let stopped = processes(member)
            signal(stopped, SIGSTOP)
            return { signal(stopped.reversed(), SIGCONT) }
        }
    }

    private static func kill(_ name: String, _ process: @escaping (Member) -> pid_t?) -> Trial {
        Trial(name: "kill " + name) { _, member in
            signal([process(member)], SIGKILL)
            return {}
        }
    }

    private static func store(_ word: String, _ mend: String) -> Trial {
        Trial(name: "store \(word) \(mend)") { fleet, _ in
            try fleet.server.control(word)
            return { try fleet.server.control(mend) }
        }
    }

    private static let hostTrials = [
        network("hold"), network("hold-in"), network("hold-out"), network("reset"), network("delay 400"),
        stop("host") { $0.workers + [$0.supervisor] }, stop("supervisor") { [$0.supervisor] },
        stop("worker") { [$0.routine] }, stop("store's worker") { [$0.store] },
        kill("worker") { $0.routine }, kill("store's worker") { $0.store },
        Trial(name: "kill host") { _, member in
            member.die()
            return { try member.start() }
        },
    ]
    private static let storeTrials = [store("stop", "go"), store("down", "up"), store("down", "wiped")]

    static let chaos = [
        Kind(name: "chaos", what: "three of all these at once, and four times in ten the store too", bound: 3) {
            fleet in
            _ = try fleet.holder()
            fleet.log.forget()
            var plan: [(at: Double, name: String, trial: Trial?, number: Int)] = []
            var trials = (0..<3).compactMap { _ in hostTrials.randomElement() }
            if Int.random(in: 0..<10) < 4, let trial = storeTrials.randomElement() { trials.append(trial) }
            for (number, trial) in trials.enumerated() {
                let start = Double.random(in: 0...fleet.lease / 2)
                plan.append((start, trial.name, trial, number))
                plan.append((start + .random(in: 0.1...fleet.lease * 1.5), trial.name, nil, number))
            }
            plan.sort { $0.at < $1.at }
            let begin = bootSeconds()
            var mends: [Int: () throws -> Void] = [:]
            var log: [String] = []
            for step in plan {
                usleep(UInt32(max(0, begin + step.at - bootSeconds()) * 1e6))
                if let trial = step.trial, let member = fleet.members.randomElement() {
                    // A host that is away gets nothing more, but for its start.
                    let isAway = member.supervisor == nil
                    mends[step.number] = isAway ? {} : try trial.begin(fleet, member)
                    log.append("\(step.name) of \(member.name)\(isAway ? ", which is away" : "")")
                } else {
                    try mends[step.number]?()
                    log.append("mended: \(step.name)")
                }
            }
            let end = bootSeconds()
            do {
                let next = try fleet.log.await("the routine goes on", after: end, within: fleet.lease * 6)
                return Round(time: next.time - end)
            } catch {
                throw Trouble("\(error)\n" + log.joined(separator: "\n"))
            }
        }
    ]
}
