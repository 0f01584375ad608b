import Foundation

/// Hosts and their processes die, or are stopped and go on later.
extension Kind {
    static let hosts = [
        Kind(name: "kill-host", what: "SIGKILL of a supervisor, and it stays away", bound: 3) { fleet in
            try takeover(fleet) {
                $0.die()
            } heal: {
                try $0.start()
            }
        },
        Kind(name: "kill-host-back", what: "SIGKILL of a supervisor, which is started again at once", bound: 1) {
            fleet in
            try goingOn(fleet) {
                $0.die()
                try $0.start()
            }
        },
        Kind(name: "stop-host", what: "SIGSTOP of supervisor and workers", bound: 3) { fleet in
            var stopped: [pid_t] = []
            var lost = 0
            var round = try takeover(fleet) { victim in
                lost = victim.records("lease_lost")
                stopped = victim.workers + [victim.supervisor].compactMap { $0 }
                signal(stopped, SIGSTOP)
            } heal: { victim in
                signal(stopped.reversed(), SIGCONT)
                try waitFor("the record of what host \(victim.name) lost", seconds: fleet.lease * 3) {
                    victim.records("lease_lost") > lost
                }
            }
            if !fleet.members.allSatisfy({ $0.records("crash") == 0 }) { round.fault = "a loss was called a crash" }
            return round
        },
        Kind(name: "stop-host-60s", what: "the same for a minute", bound: 3, rarity: 10) { fleet in
            var stopped: [pid_t] = []
            return try takeover(fleet) { victim in
                stopped = victim.workers + [victim.supervisor].compactMap { $0 }
                signal(stopped, SIGSTOP)
            } heal: { _ in
                sleep(57)
                signal(stopped.reversed(), SIGCONT)
            }
        },
        Kind(name: "suspend-two", what: "SIGSTOP of all processes of two hosts", bound: 3) { fleet in
            var stopped: [pid_t] = []
            return try takeover(fleet) { victim in
                guard let other = fleet.members.first(where: { $0 !== victim }) else { return }
                stopped = [victim, other].flatMap { $0.workers + [$0.supervisor].compactMap { $0 } }
                signal(stopped, SIGSTOP)
            } heal: { _ in
                signal(stopped.reversed(), SIGCONT)
            }
        },
    ]

    static let parts = [
        Kind(name: "kill-worker", what: "SIGKILL of the routine's worker", bound: 1) { fleet in
            try goingOn(fleet, keeps: true) { signal([$0.routine], SIGKILL) }
        },
        Kind(name: "kill-store-worker", what: "SIGKILL of the store's worker", bound: 0.5) { fleet in
            try goingOn(fleet, keeps: true) { signal([$0.store], SIGKILL) }
        },
        Kind(
            name: "crash-store-worker", what: "SIGSEGV in the store's worker, whose crash report comes first", bound: 3
        ) {
            fleet in
            try goingOn(fleet) { signal([$0.store], SIGSEGV) }
        },
        Kind(name: "stop-supervisor", what: "SIGSTOP of the supervisor alone", bound: 3) { fleet in
            var stopped: pid_t?
            return try takeover(fleet) { victim in
                stopped = victim.supervisor
                signal([stopped], SIGSTOP)
            } heal: { _ in
                signal([stopped], SIGCONT)
            }
        },
        Kind(name: "stop-worker", what: "SIGSTOP of the routine's worker alone", bound: 3) { fleet in
            try goingOn(fleet, whileStopped: { $0.routine }, lasting: fleet.lease * 1.5)
        },
        Kind(
            name: "stop-worker-die", what: "SIGSTOP of the worker, SIGKILL of the supervisor, and it is back", bound: 3
        ) {
            fleet in
            try goingOn(fleet, whileStopped: { $0.routine }, lasting: fleet.lease * 1.5) { victim in
                victim.die()
                try victim.start()
            }
        },
        Kind(name: "stop-store-worker", what: "SIGSTOP of the store's worker alone", bound: 3) { fleet in
            try goingOn(fleet, whileStopped: { $0.store }, lasting: fleet.lease * 2)
        },
    ]

    /// The holder goes on after one of its processes stood still for a while, at the beginning of which `then` happens.
    private static func goingOn(
        _ fleet: Fleet, whileStopped which: (Member) -> pid_t?, lasting seconds: Double,
        then: (Member) throws -> Void = { _ in }
    ) throws -> Round {
        var stopped: pid_t?
        return try goingOn(fleet, lasting: seconds) { victim in
            stopped = which(victim)
            signal([stopped], SIGSTOP)
            try then(victim)
        } heal: { _ in
            signal([stopped], SIGCONT)
        }
    }
}
