import HostTestKit
import HostValues

@testable import HostCluster

/// What store workers, the network and the store do.
extension Model {
    func serveStore(_ host: ModelHost, _ step: StoreWorkerStep) {
        switch step {
        case .ask(let id, let request): ask(host, id, request)
        case .reopen:
            host.link = nil
            host.linkNumber += 1
            at(now + uniform(0.2, 5), store(host, .connect(number: host.linkNumber)))
        case .connect(let number): connect(host, number)
        case .lost(let number):
            guard host.linkNumber == number, host.link != nil else { return }
            lose(host)
        case .reply(let key): reply(host, key)
        case .timeout(let key):
            guard let flight = flights[key], !flight.isOver else { return }
            flights[key]?.isOver = true
            guard flight.linkNumber == host.linkNumber, host.link != nil else { return }
            supervisor(host, .answer(flight.id, StoreAnswer(sent: flight.sent, outcome: .unknown, found: nil)))
            lose(host)
        }
    }

    private func store(_ host: ModelHost, _ step: StoreWorkerStep) -> Step {
        .storeWorker(host: host.index, life: host.storeWorkerLife, step)
    }

    private func supervisor(_ host: ModelHost, _ event: ClusterMember.Event) {
        at(now + uniform(0.01, 0.2), .supervisor(host: host.index, life: host.life, .event(event)))
    }

    /// The link is broken: the supervisor is told, and another one is opened.
    private func lose(_ host: ModelHost) {
        host.link = nil
        host.linkNumber += 1
        supervisor(host, .down)
        at(now + ms(100), store(host, .connect(number: host.linkNumber)))
    }

    private func connect(_ host: ModelHost, _ number: Int) {
        guard host.linkNumber == number, host.link == nil else { return }
        guard store.isUp, now >= host.requestsCut, now >= host.answersCut else {
            return at(now + ms(100), store(host, .connect(number: number)))
        }
        host.link = store.instance
        supervisor(host, .up(StoreLink(instance: "i\(store.instance)", most: options.mostConditions)))
    }

    private func delay(_ host: ModelHost) -> Int64 {
        spread(
            now < host.slowUntil
                ? [30.0, 400, 1200, 3000, 9000][random.below(5)] : [1.0, 1, 5, 30][random.below(4)])
    }

    private func ask(_ host: ModelHost, _ id: UInt64, _ request: StoreRequest) {
        guard let instance = host.link else { return }
        result.requests += 1
        let sent = host.boot(now)
        let key = add(
            Flight(
                host: host.index, life: host.life, storeWorkerLife: host.storeWorkerLife, linkNumber: host.linkNumber,
                instance: instance, id: id, request: request, sent: sent))
        at(host.real(sent + length / 6), store(host, .timeout(key)))
        at(now + delay(host), .arrive(key))
    }

    /// What was sent may be lost, or come when nobody waits for it any more; then it is done all the same.
    func arrive(_ key: Int) {
        guard let flight = flights[key] else { return }
        let host = hosts[flight.host]
        if now < host.requestsCut {
            if chance(50) { at(host.requestsCut + uniform(0, 50), .arrive(key)) } else { flights[key] = nil }
            return
        }
        if now < host.flakyUntil, chance(90) { return }
        guard store.isUp, store.instance == flight.instance else { return reset(flight, key) }
        if flight.request.writes {
            if now < host.unsureUntil {
                flights[key]?.outcome = .unknown
                if chance(20) { _ = store.commit(flight.request, at: now) }
            } else if let version = store.commit(flight.request, at: now) {
                flights[key]?.outcome = .done(version: version)
                hint(flight.request, by: host)
            } else {
                flights[key]?.outcome = .changed
            }
        }
        for name in flight.request.reads {
            if let entry = store.values[name] { flights[key]?.found.append(entry) }
        }
        read(key)
    }

    /// Each page of a list at a time of its own. A page of a store may end anywhere; here it ends where it does most harm,
    /// between hosts and claims.
    func read(_ key: Int) {
        guard let flight = flights[key] else { return }
        guard store.isUp, store.instance == flight.instance else { return reset(flight, key) }
        let host = hosts[flight.host]
        if flight.nextList < flight.request.lists.count {
            let rest = store.list(flight.request.lists[flight.nextList]).filter { $0.key > flight.after }
            let others = rest.prefix { !$0.key.hasPrefix(ClusterKey.claims) }
            let page = others.isEmpty ? rest[...] : others
            let isLast = page.count == rest.count
            flights[key]?.found += page
            flights[key]?.after = isLast ? "" : page.last?.key ?? ""
            if isLast { flights[key]?.nextList += 1 }
            if !isLast || flight.nextList + 1 < flight.request.lists.count {
                return at(now + delay(host) / 2 + spread(listing), .read(key))
            }
        }
        if now < host.answersCut || chance(options.lostAnswers) { return }
        let late = now < host.lateUntil ? length / 8 : 0
        at(now + late + delay(host), .storeWorker(host: host.index, life: flight.storeWorkerLife, .reply(key)))
    }

    private func reset(_ flight: Flight, _ key: Int) {
        let host = hosts[flight.host]
        at(
            now + delay(host),
            .storeWorker(host: host.index, life: flight.storeWorkerLife, .lost(number: flight.linkNumber)))
    }

    private func reply(_ host: ModelHost, _ key: Int) {
        guard let flight = flights.removeValue(forKey: key), !flight.isOver else { return }
        guard flight.linkNumber == host.linkNumber, host.link != nil, now >= host.answersCut else { return }
        supervisor(
            host,
            .answer(flight.id, StoreAnswer(sent: flight.sent, outcome: flight.outcome, found: flight.found)))
    }

    /// Others hear that a claim was given back, or that a host is gone; mostly.
    private func hint(_ request: StoreRequest, by host: ModelHost) {
        let isRenewal = request.puts.contains { $0.key.hasPrefix(ClusterKey.hosts) }
        guard !isRenewal, chance(80) else { return }
        for other in hosts where other !== host && other.link == store.instance && other.isAlive {
            supervisor(other, .changed)
        }
    }

    // MARK: Faults

    func fault() {
        guard let kind = options.faults.isEmpty ? nil : options.faults[random.below(options.faults.count)] else {
            return
        }
        let host = hosts[random.below(hosts.count)]
        let base = [300.0, 1500, 4000, 7000, 12_000, 30_000][random.below(6)]
        let until = now + uniform(base / 2, base * 1.5)
        result.faults[kind, default: 0] += 1
        switch kind {
        case .pauseHost:
            host.supervisorPaused = max(host.supervisorPaused, until)
            host.workersPaused = max(host.workersPaused, until)
            host.storeWorkerPaused = max(host.storeWorkerPaused, until)
        case .pauseSupervisor: host.supervisorPaused = max(host.supervisorPaused, until)
        case .pauseStoreWorker: host.storeWorkerPaused = max(host.storeWorkerPaused, until)
        case .pauseWorkers: host.workersPaused = max(host.workersPaused, until)
        case .crash: crash(host, for: until - now)
        case .crashWorker:
            let name = names[random.below(names.count)]
            if let session = host.processes[name] { kill(host, name, session) }
        case .crashStoreWorker:
            guard host.isAlive else { break }
            host.storeWorkerLife += 1
            lose(host)
        case .partition: cut(host, until: until)
        case .losesRequests: host.requestsCut = max(host.requestsCut, until)
        case .losesAnswers: host.answersCut = max(host.answersCut, until)
        case .slow: host.slowUntil = max(host.slowUntil, until)
        case .lateAnswers:
            host.lateUntil = max(host.lateUntil, until)
            at(until, .cut(host: host.index, until: until + length * 2))
        case .flaky: host.flakyUntil = max(host.flakyUntil, until)
        case .unsure: host.unsureUntil = max(host.unsureUntil, until)
        case .storeDown: down(for: until - now)
        case .failover:
            let lost = [0.0, 50, 500, 2000][random.below(4)]
            store.failOver(since: now - ms(lost), repeatsVersions: chance(50))
            down(for: ms([1.0, 200, 2000, 8000][random.below(4)]))
        case .wipe:
            store.wipe(repeatsVersions: chance(50), changesInstance: true)
            down(for: ms([1.0, 100, 1000, 8000][random.below(4)]))
        case .flush: store.wipe(repeatsVersions: chance(50), changesInstance: false)
        case .move:
            let name = names[random.below(names.count)]
            if host.isAlive { tell(host, .leave(name, .move, bar: length * 3)) }
        case .drain:
            guard host.isAlive else { break }
            tell(host, .mode(.draining))
            at(until, .supervisor(host: host.index, life: host.life, .event(.mode(.serving))))
        case .stop: if host.isAlive { tell(host, .mode(.stopping)) }
        case .remove:
            let name = names[random.below(names.count)]
            let ofAll = chance(70)
            for each in hosts where each.isAlive && (ofAll || each === host) {
                each.dropped.insert(name)
                tell(each, .drop(name, .removed))
                at(until, .supervisor(host: each.index, life: each.life, .event(.want(name, options.wish))))
            }
        case .rest:
            let name = names[random.below(names.count)]
            // Of two hosts with one id, one takes no part.
            guard host.isAlive, !options.hasClone else { break }
            guard hosts.contains(where: { $0 !== host && !$0.rested.contains(name) }) else { break }
            host.rested.insert(name)
            host.dropped.insert(name)
            tell(host, .drop(name, .rest))
        }
        let next = options.gap * 2 * fraction() * fraction() * 2
        at(now + ms(next), .fault)
    }

    func cut(_ host: ModelHost, until: Int64) {
        guard now < faultsEnd else { return }
        host.requestsCut = max(host.requestsCut, until)
        host.answersCut = max(host.answersCut, until)
    }

    private func down(for duration: Int64) {
        store.isUp = false
        at(now + duration, .storeUp)
    }

    private func max(_ one: Int64, _ other: Int64) -> Int64 { one > other ? one : other }

    /// All is well from here on.
    func heal() {
        store.isUp = true
        listing = 5
        for host in hosts {
            (host.supervisorPaused, host.workersPaused, host.storeWorkerPaused) = (0, 0, 0)
            (host.requestsCut, host.answersCut, host.slowUntil) = (0, 0, 0)
            (host.lateUntil, host.flakyUntil, host.unsureUntil) = (0, 0, 0)
        }
    }
}
