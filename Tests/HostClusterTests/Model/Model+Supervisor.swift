import HostTestKit
import HostValues

@testable import HostCluster

/// What a supervisor and its workers do.
extension Model {
    func tell(_ host: ModelHost, _ event: ClusterMember.Event) {
        var waiting = [event]
        while let event = waiting.popLast() {
            for action in host.member.handle(event, at: host.boot(now), wall: host.wall(now)) {
                if let answer = perform(action, host) { waiting.insert(answer, at: 0) }
            }
        }
        let next = host.real(host.member.nextDeadline)
        if next < host.timerAt, next != .max {
            host.timerAt = Swift.max(next, now)
            at(host.timerAt, .supervisor(host: host.index, life: host.life, .timer(at: host.timerAt)))
        }
    }

    private func perform(_ action: ClusterMember.Action, _ host: ModelHost) -> ClusterMember.Event? {
        switch action {
        case .ask(let id, let request): send(host, .ask(id, request))
        case .reopen: send(host, .reopen)
        case .extend(let times): host.page = times
        case .begin(let name, let token):
            host.wanted[name] = token
            startSession(host, name)
        case .end(let name, _):
            host.wanted[name] = nil
            guard let session = host.started[name] else { return .ended(name) }
            let stop = chance(10) ? ms(60_000) : uniform(0, 2000)
            at(now + stop, .worker(host: host.index, life: host.life, .over(name, session: session)))
            at(now + ms(3000), .supervisor(host: host.index, life: host.life, .overdue(name, session: session)))
        case .kill(let name): if let session = host.started[name] { kill(host, name, session) }
        case .lookFor(let pid, let incarnation): return .process(incarnation, isGone: !isAlive(pid: pid))
        case .refuse, .say: break
        case .closed:
            for name in names where host.sessions[name] != nil { report("\(name) lives after host \(host.index) left") }
            crash(host, for: uniform(100, 5000))
        }
        return nil
    }

    private func send(_ host: ModelHost, _ step: StoreWorkerStep) {
        at(now + uniform(0.01, 0.2), .storeWorker(host: host.index, life: host.storeWorkerLife, step))
    }

    func supervise(_ host: ModelHost, _ step: SupervisorStep) {
        switch step {
        case .event(let event): tell(host, event)
        case .timer(let time):
            // One that was set before is of no interest.
            guard time == host.timerAt else { return }
            host.timerAt = .max
            tell(host, .deadline)
        case .sessionOver(let name, let session):
            guard host.started[name] == session else { return }
            host.started[name] = nil
            if host.wanted[name] == nil {
                tell(host, .ended(name))
            } else {
                at(now + uniform(1, 400), .supervisor(host: host.index, life: host.life, .restart(name)))
            }
        case .restart(let name): if host.wanted[name] != nil { startSession(host, name) }
        case .overdue(let name, let session): if host.started[name] == session { kill(host, name, session) }
        }
    }

    private func startSession(_ host: ModelHost, _ name: ClaimName) {
        guard host.started[name] == nil, let token = host.wanted[name] else { return }
        let session = newSession()
        host.started[name] = session
        host.processes[name] = session
        at(
            now + uniform(0.1, 3),
            .worker(host: host.index, life: host.life, .begin(name, session: session, token: token)))
    }

    /// SIGKILL: it reaches also what is stopped.
    func kill(_ host: ModelHost, _ name: ClaimName, _ session: Int) {
        guard host.processes[name] == session else { return }
        host.processes[name] = nil
        if host.sessions[name]?.number == session {
            result.killed += 1
            end(host, name)
        }
        at(now + uniform(0.1, 2), .supervisor(host: host.index, life: host.life, .sessionOver(name, session: session)))
    }

    // MARK: The workers

    func work(_ host: ModelHost, _ step: WorkerStep) {
        switch step {
        case .begin(let name, let session, let token): beginWork(host, name, session, token)
        case .push(let name, let session):
            guard host.sessions[name]?.number == session, let page = host.page else { return }
            host.sessions[name]?.deadline = page.kill
            at(now + length / 3, .worker(host: host.index, life: host.life, .push(name, session: session)))
        case .over(let name, let session):
            guard host.processes[name] == session else { return }
            host.processes[name] = nil
            end(host, name)
            at(
                now + uniform(0.1, 2),
                .supervisor(host: host.index, life: host.life, .sessionOver(name, session: session)))
        case .look(let name, let session):
            guard let found = host.sessions[name], found.number == session else { return }
            if host.boot(now) >= found.deadline { return kill(host, name, session) }
            at(host.real(found.deadline), .worker(host: host.index, life: host.life, .look(name, session: session)))
        }
    }

    private func beginWork(_ host: ModelHost, _ name: ClaimName, _ session: Int, _ token: UInt64) {
        guard host.processes[name] == session else { return }
        guard let page = host.page, host.boot(now) < page.hold else {
            return at(
                now + ms(50),
                .worker(host: host.index, life: host.life, .begin(name, session: session, token: token)))
        }
        begin(host, name, .init(number: session, token: token, deadline: page.kill))
        let work = [5.0, 50, 500, 3000, 20_000][random.below(5)]
        at(
            now + uniform(work / 2, work * 1.5),
            .worker(host: host.index, life: host.life, .over(name, session: session)))
        at(now + length / 3, .worker(host: host.index, life: host.life, .push(name, session: session)))
        switch options.keeper {
        case .kernel: at(host.real(page.kill), .deadline(host: host.index, name, session: session))
        case .worker:
            at(host.real(page.kill), .worker(host: host.index, life: host.life, .look(name, session: session)))
        case .supervisor: break
        }
    }

    func passDeadline(_ host: ModelHost, _ name: ClaimName, _ session: Int) {
        guard let found = host.sessions[name], found.number == session else { return }
        if host.boot(now) >= found.deadline {
            kill(host, name, session)
        } else {
            at(host.real(found.deadline), .deadline(host: host.index, name, session: session))
        }
    }
}
