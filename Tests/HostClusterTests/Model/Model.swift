import HostTestKit
import HostValues

@testable import HostCluster

/// Hosts, a store and what lies between them, in virtual time and with everything going wrong: a random walk over the real
/// machines. It counts sessions of one claim that live on two hosts at once, tokens that do not go up, and claims that
/// nobody has when all is well again.
final class Model {
    enum Step {
        case fault
        case storeUp
        case cut(host: Int, until: Int64)
        case start(host: Int)
        case supervisor(host: Int, life: Int, SupervisorStep)
        case storeWorker(host: Int, life: Int, StoreWorkerStep)
        case arrive(Int)
        case read(Int)
        case worker(host: Int, life: Int, WorkerStep)
        case deadline(host: Int, ClaimName, session: Int)
    }

    enum SupervisorStep {
        case event(ClusterMember.Event)
        case timer(at: Int64)
        case sessionOver(ClaimName, session: Int)
        case restart(ClaimName)
        case overdue(ClaimName, session: Int)
    }

    enum StoreWorkerStep {
        case ask(UInt64, StoreRequest)
        case reopen
        case connect(number: Int)
        case lost(number: Int)
        case reply(Int)
        case timeout(Int)
    }

    enum WorkerStep {
        case begin(ClaimName, session: Int, token: UInt64)
        case push(ClaimName, session: Int)
        case over(ClaimName, session: Int)
        /// The worker's own look at the time, where no kernel does that.
        case look(ClaimName, session: Int)
    }

    /// A request on its way.
    struct Flight {
        let host: Int
        let life: Int
        let storeWorkerLife: Int
        let linkNumber: Int
        let instance: Int
        let id: UInt64
        let request: StoreRequest
        let sent: BootTime
        var outcome = StoreAnswer.Outcome.done(version: 0)
        var found: [StoreAnswer.Entry] = []
        var nextList = 0
        /// The last key of the list's pages so far.
        var after = ""
        var isOver = false
    }

    let options: ModelOptions
    var random: SplitMix
    var now: Int64 = 0
    var queue = EventHeap<Step>()
    var store = ModelStore()
    var hosts: [ModelHost] = []
    var flights: [Int: Flight] = [:]
    private var lastFlight = 0
    private var lastSession = 0
    private var lastPid: UInt64 = 100
    let names: [ClaimName]
    /// How long it takes from one list to the next, ms.
    var listing: Double
    var result = ModelResult()
    // What is checked.
    private var open: [ClaimName: [Int: UInt64]] = [:]
    private var greatest: [ClaimName: (token: UInt64, host: Int, life: Int)] = [:]
    private var freeSince: [ClaimName: (time: Int64, host: Int, life: Int)] = [:]
    private(set) var faultsEnd: Int64 = 0

    init(seed: Int, options: ModelOptions) {
        self.options = options
        listing = options.listing
        random = SplitMix(seed: UInt64(seed) &* 7919 &+ 1)
        names = (0..<options.claims).map { ClaimName(plugin: "plugin", routine: "routine", shard: $0) }
        for index in 0..<options.hosts {
            let id = options.hasClone && index == options.hosts - 1 ? 0 : index
            hosts.append(
                ModelHost(
                    index: index, id: HostID(high: UInt64(id), low: 77), options: options, random: &random))
        }
    }

    var length: Int64 { options.lease * 1_000_000 }
    var longest: Int64 { length * (options.lengths.max() ?? 1) }

    /// The whole walk: faults for so long, and then a time in which all must come back.
    func run() -> ModelResult {
        faultsEnd = options.seconds * 1_000_000_000
        for host in hosts { at(uniform(0, 2000), .start(host: host.index)) }
        at(ms(3000), .fault)
        run(until: faultsEnd)
        heal()
        // A host that did not take what moves is offered it again after thirty leases, and later ever more seldom.
        let end = faultsEnd + longest * (checksPlaces ? 164 : 14)
        run(until: end)
        var wrong = wrongs
        // A claim may just then be on its way from one host to another.
        for later in 1...3 where !wrong.isEmpty {
            run(until: end + longest * Int64(later))
            wrong.formIntersection(wrongs)
        }
        for text in wrong.sorted() { report(text) }
        return result
    }

    /// Whether each claim has a place to be at. Of spread ones some go to others, where a host has its share.
    private var checksPlaces: Bool { options.wish.moves && !options.wish.isSpread }

    /// What is not as it is to be when all has been well for long.
    private var wrongs: Set<String> {
        var wrongs: Set<String> = []
        for name in names where hosts.count(where: { $0.isAlive && $0.wanted[name] != nil }) != 1 {
            wrongs.insert("\(name) is not held by anybody at the end")
        }
        if checksPlaces { for name in names { wrongs.formUnion(misplaced(name)) } }
        return wrongs
    }

    /// A claim that moves is with the host that is the first for it, unless that one did not want it at some time of its life.
    private func misplaced(_ name: ClaimName) -> [String] {
        let candidates = hosts.map { Placement.Candidate($0.id, weight: 100) }
        guard let key = ClusterKey.claim(name), let first = Placement.first(for: key, among: candidates),
            let host = hosts.first(where: { $0.id == first }), !host.dropped.contains(name), host.wanted[name] == nil
        else { return [] }
        return ["\(name) is not with host \(host.index) at the end, which is the first for it"]
    }

    private func run(until end: Int64) {
        while result.violations.count < 20, let (time, step) = queue.next() {
            now = max(now, time)
            perform(step)
            if now > end { break }
        }
    }

    private func perform(_ step: Step) {
        switch step {
        case .fault: if now < faultsEnd { fault() }
        case .storeUp: store.isUp = true
        case .cut(let host, let until): cut(hosts[host], until: until)
        case .start(let host): start(hosts[host])
        case .supervisor(let index, let life, let input):
            let host = hosts[index]
            guard host.life == life, host.isAlive else { return }
            // What waits comes in its order: a link that goes and is there again is never one that is there and goes.
            if now < host.supervisorPaused { return at(host.supervisorPaused, step) }
            supervise(host, input)
        case .storeWorker(let index, let life, let input):
            let host = hosts[index]
            guard host.storeWorkerLife == life, host.isAlive else { return }
            if now < host.storeWorkerPaused { return at(host.storeWorkerPaused + uniform(0, 1), step) }
            serveStore(host, input)
        case .arrive(let flight): arrive(flight)
        case .read(let flight): read(flight)
        case .worker(let index, let life, let input):
            let host = hosts[index]
            guard host.life == life, host.isAlive else { return }
            if now < host.workersPaused { return at(host.workersPaused + uniform(0, 1), step) }
            work(host, input)
        case .deadline(let index, let name, let session): passDeadline(hosts[index], name, session)
        }
    }

    // MARK: Means

    func at(_ time: Int64, _ step: Step) { queue.add(step, at: time) }
    func ms(_ value: Double) -> Int64 { Int64(value * 1e6) }
    func uniform(_ low: Double, _ high: Double) -> Int64 { ms(low + (high - low) * fraction()) }
    func fraction() -> Double { Double(random.next() >> 11) / 9_007_199_254_740_992 }
    func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    /// A number between 0 and about 10 times the mean, mostly small.
    func spread(_ mean: Double) -> Int64 {
        var sum = 0.0
        var scale = 1.0
        for _ in 0..<3 {
            sum += fraction() * scale
            scale *= fraction() * 3
        }
        return ms(sum * mean)
    }

    func report(_ text: String) { result.violations.append(Violation(time: now, text: text)) }

    func newSession() -> Int {
        lastSession += 1
        return lastSession
    }

    func add(_ flight: Flight) -> Int {
        lastFlight += 1
        flights[lastFlight] = flight
        return lastFlight
    }

    // MARK: The life of a host

    private func start(_ host: ModelHost) {
        host.life += 1
        host.storeWorkerLife += 1
        host.isAlive = true
        host.isStopping = false
        lastPid += 1
        host.pid = lastPid
        if host.boot.isEmpty || chance(30) { host.boot = options.hasClone ? "boot" : "boot \(lastPid)" }
        // Where there is nothing to be chosen, nothing is drawn: the walk is the one that it was.
        let lengths = options.lengths
        let factor = lengths.count == 1 ? lengths[0] : lengths[random.below(lengths.count)]
        host.member = ClusterMember(
            .init(
                id: host.id, name: "h\(host.index)", pid: host.pid, boot: host.boot, version: "1",
                seed: random.next()),
            length: length * factor, weight: 100,
            without: options.missing, sweepAge: options.sweepAge)
        host.timerAt = .max
        host.page = nil
        host.link = nil
        host.wanted = [:]
        host.started = [:]
        host.processes = [:]
        host.rested = []
        host.dropped = []
        for name in names { tell(host, .want(name, options.wish)) }
        at(now + uniform(1, 20), .storeWorker(host: host.index, life: host.storeWorkerLife, .reopen))
    }

    /// The supervisor is dead, and its workers with it.
    func crash(_ host: ModelHost, for duration: Int64) {
        guard host.isAlive else { return }
        host.isAlive = false
        host.life += 1
        host.storeWorkerLife += 1
        for name in names {
            if host.wanted[name] != nil { freeSince[name] = (now, host.index, host.life) }
            end(host, name)
        }
        at(now + duration, .start(host: host.index))
    }

    func isAlive(pid: UInt64) -> Bool { hosts.contains { $0.isAlive && $0.pid == pid } }

    // MARK: What is checked

    func begin(_ host: ModelHost, _ name: ClaimName, _ session: ModelHost.Session) {
        result.sessions += 1
        if let others = open[name], others.keys.contains(where: { $0 != host.index }) {
            report("\(name): host \(host.index) begins with \(session.token), and it lives on \(others)")
        }
        if let last = greatest[name] {
            if session.token < last.token {
                report("\(name): token \(session.token) on host \(host.index) after \(last.token) on \(last.host)")
            } else if session.token == last.token, (last.host, last.life) != (host.index, host.life) {
                report("\(name): token \(session.token) twice, on host \(host.index) and \(last.host)")
            }
        }
        greatest[name] = max((session.token, host.index, host.life), greatest[name] ?? (0, 0, 0), by: { $0.0 < $1.0 })
        // Of a host that was back meanwhile the others know at once that its life before is over.
        if let (time, other, life) = freeSince.removeValue(forKey: name), other != host.index, hosts[other].life == life
        {
            result.takeovers.append(Double(now - time) / 1e6)
        }
        host.sessions[name] = session
        open[name, default: [:]][host.index] = session.token
    }

    /// A session lives no more, whichever way it ended.
    func end(_ host: ModelHost, _ name: ClaimName) {
        host.sessions[name] = nil
        open[name]?[host.index] = nil
    }

    private func max<T>(_ one: T, _ other: T, by less: (T, T) -> Bool) -> T { less(one, other) ? other : one }
    private func max(_ one: Int64, _ other: Int64) -> Int64 { Swift.max(one, other) }
}
