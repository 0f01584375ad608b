import Foundation

/// Where things are, and what the hosts are like.
struct Surroundings {
    /// The host's program.
    let program: String
    /// Holds the plugins, the proxy and `step.so`.
    let built: String
    /// Holds the scripts of the servers, `control-ENGINE`.
    let stores: String
    /// The folder of this run; its path is short, because sockets are in it.
    let folder: String
    let engine: Engine
    /// The length of a lease, ms.
    let lease: Int
}

/// The server in which the hosts keep their leases.
enum Engine: String {
    case redis, etcd

    var library: String {
        switch self {
        case .redis: "libRedisStore.so"
        case .etcd: "libEtcdStore.so"
        }
    }

    /// The plugin's id and its parameter for a port of this machine.
    func plugin(port: Int) -> (id: String, parameter: String) {
        switch self {
        case .redis: ("redis-store", "address: '127.0.0.1:\(port)'")
        case .etcd: ("etcd-store", "endpoints: 'http://127.0.0.1:\(port)'")
        }
    }

    /// The socket that a server of that folder listens at.
    func socket(in folder: String) -> String {
        switch self {
        case .redis: folder + "/socket"
        case .etcd: folder + "/client:1"
        }
    }
}

/// A server, which `Tests/Stores/control-ENGINE` starts and torments.
struct Server {
    let around: Surroundings
    let folder: String
    var environment: [String: String] = [:]

    var socket: String { around.engine.socket(in: folder) }

    /// Makes something happen to it, in that script's words.
    func control(_ word: String) throws {
        let script = "\(around.stores)/control-\(around.engine.rawValue)"
        let child = try Child("/bin/sh", [script, folder, word], environment: environment, errors: folder + ".errors")
        let usage = try child.wait(seconds: 30)
        if usage.status != 0 { throw Trouble("\(script) \(word): \(Kernel.text(folder + ".errors"))") }
    }

    /// Says something to a Redis server, and returns its answer.
    @discardableResult
    func say(_ words: String...) throws -> String {
        let output = folder + ".output"
        let child = try Child("/usr/bin/env", ["redis-cli", "-s", socket] + words, output: output)
        let usage = try child.wait(seconds: 10)
        let answer = Kernel.text(output)
        if usage.status != 0 { throw Trouble("redis-cli \(words.joined(separator: " ")): \(answer)") }
        return answer
    }
}

/// A program that dies with this one.
func tied(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], output: String? = nil, errors: String
)
    throws -> Child
{
    let tie = "/usr/bin/setpriv"
    guard access(tie, X_OK) == 0 else {
        return try Child(path, arguments, environment: environment, output: output, errors: errors)
    }
    return try Child(
        tie, ["--pdeathsig", "KILL", path] + arguments, environment: environment, output: output, errors: errors)
}

/// A bad network between somebody and a server.
final class Proxy {
    let port: Int
    private let pipe: String
    private let child: Child

    init(_ name: String, to target: String, in around: Surroundings) throws {
        pipe = "\(around.folder)/\(name).network"
        let output = "\(around.folder)/\(name).port"
        child = try tied(
            "\(around.built)/faultproxy", [pipe, target], output: output, errors: "\(around.folder)/\(name).proxy")
        try waitFor("a proxy", seconds: 10, every: 0.005) { Kernel.text(output).hasSuffix("\n") }
        guard let port = Int(Kernel.text(output).dropLast()) else { throw Trouble("a proxy says no port") }
        self.port = port
    }

    /// Tells it what to do, in the words of faultproxy.c.
    func tell(_ line: String) throws {
        let file = open(pipe, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        let bytes = Array((line + "\n").utf8)
        guard write(file, bytes, bytes.count) == bytes.count else { throw Trouble("a proxy hears nothing") }
    }
}

/// One of the hosts, with its directories and its way to the store.
final class Member {
    let name: String
    let proxy: Proxy
    let state: String
    private let around: Surroundings
    private let plugins: String
    private var lives = 0
    private(set) var child: Child?

    init(_ name: String, log: String, to server: Server, in around: Surroundings) throws {
        (self.name, self.around) = (name, around)
        proxy = try Proxy(name, to: server.socket, in: around)
        plugins = "\(around.folder)/\(name)/plugins"
        state = "\(around.folder)/\(name)/state"
        let files = FileManager.default
        try files.createDirectory(
            atPath: plugins, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for library in [around.engine.library, "libexclusive.so"] {
            try files.copyItem(atPath: "\(around.built)/\(library)", toPath: "\(plugins)/\(library)")
        }
        let (id, parameter) = around.engine.plugin(port: proxy.port)
        // What is done to it here is no failure of its own: it is neither put off nor given up.
        let settings = """
            {
                cluster: { store: '\(id)', lease_ms: \(around.lease) }, sandbox: 'off',
                restart: { first_delay_ms: 10, max_delay_ms: 100, same_cause_failures: 0, any_cause_failures: 0 },
                plugins: { '\(id)': { params: { \(parameter) } },
                    exclusive: { run_on: 'one', params: { log: '\(log)', host: '\(name)' } } },
            }
            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: plugins + "/schedhost.json5"))
    }

    /// The file by which its wall clock is wrong, for `step.so`.
    var step: String { "\(around.folder)/\(name).step" }

    /// Starts it; again after its end, with the same state.
    func start(stepping: Bool = false) throws {
        lives += 1
        let environment = stepping ? ["LD_PRELOAD": "\(around.built)/step.so", "STEP_FILE": step] : [:]
        child = try tied(
            around.program, ["--plugins", plugins, "--state", state], environment: environment, errors: log(lives))
    }

    private func log(_ life: Int) -> String { "\(around.folder)/\(name).log.\(life)" }
    /// What its present life has said.
    var words: String { Kernel.text(log(lives)) }

    /// Kills its supervisor, and its workers with it.
    func die() {
        child?.signal(SIGKILL)
        child?.wait()
        child = nil
    }

    /// Asks it to stop, and awaits its end.
    func leave(seconds: Double) throws {
        child?.signal(SIGTERM)
        let usage = try child?.wait(seconds: seconds)
        child = nil
        if let usage, usage.status != 0 { throw Trouble("host \(name) ended with status \(usage.status)\n\(words)") }
    }

    /// Runs `schedhost cluster` for it.
    func order(_ words: String..., within seconds: Double) throws {
        let output = "\(around.folder)/\(name).order"
        let usage = try Child(
            around.program, ["cluster"] + words + ["--state", state], output: output, errors: output + ".errors"
        ).wait(seconds: seconds)
        if usage.status != 0 {
            throw Trouble("cluster \(words.joined(separator: " ")): \(Kernel.text(output + ".errors"))")
        }
    }

    var supervisor: pid_t? { child?.pid }
    var workers: [pid_t] { supervisor.map { Kernel.children(of: $0) } ?? [] }

    /// The worker of a file.
    func worker(of file: String) -> pid_t? {
        workers.first { Kernel.text("/proc/\($0)/cmdline").split(separator: "\0").last == Substring(file) }
    }

    /// The worker of the routine, and of the store.
    var routine: pid_t? { worker(of: "libexclusive.so") }
    var store: pid_t? { worker(of: around.engine.library) }

    /// How many of its sessions have ended as that kind.
    func records(_ kind: String) -> Int {
        Kernel.text(state + "/sessions.jsonl").split(separator: "\n").count { $0.contains("\"kind\":\"\(kind)\"") }
    }
}

/// Three hosts, one store, and what they have run.
final class Fleet {
    let around: Surroundings
    let server: Server
    let members: [Member]
    let log: CycleLog
    private let pair: Replication?

    /// Starts all of it, as that kind needs it.
    init(_ around: Surroundings, for kind: Kind) throws {
        self.around = around
        var server = Server(around: around, folder: around.folder + "/server")
        let step = around.folder + "/server.step"
        if kind.stepsStore {
            try Fleet.set(step, seconds: 0)
            server.environment = ["LD_PRELOAD": "\(around.built)/step.so", "STEP_FILE": step]
        }
        let made = server
        self.server = made
        try server.control("start")
        pair = kind.replicates ? try Replication(of: server, in: around) : nil
        let log = CycleLog(around.folder + "/cycles")
        self.log = log
        members = try ["a", "b", "c"].map { try Member($0, log: log.path, to: made, in: around) }
        for member in members {
            try Fleet.set(member.step, seconds: 0)
            try member.start(stepping: kind.stepsHosts)
        }
    }

    /// By how much a wall clock is wrong from here on.
    static func set(_ step: String, seconds: Double) throws {
        let ns = Int64(seconds * 1e9)
        let file = open(step, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        guard withUnsafeBytes(of: ns, { write(file, $0.baseAddress, 8) }) == 8 else {
            throw Trouble("\(step): no step")
        }
    }

    /// The length of a lease, s.
    var lease: Double { Double(around.lease) / 1000 }

    /// Its server and the replica.
    func replication() throws -> Replication {
        guard let pair else { throw Trouble("there is no replica") }
        return pair
    }

    /// Awaits that the routine runs; the host on which it does.
    func holder() throws -> Member {
        let cycle = try log.await("the routine runs", after: bootSeconds(), within: lease * 6)
        guard let member = members.first(where: { $0.name == cycle.host }) else {
            throw Trouble("there is no host '\(cycle.host)'")
        }
        return member
    }

    /// Ends all of it.
    func end() {
        for member in members {
            // One that is stopped does not see that its supervisor dies.
            for worker in member.workers { kill(worker, SIGKILL) }
            member.die()
        }
        pair?.end()
        try? server.control("end")
    }
}
