import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// The store of a test's cluster: a directory, or a Redis or etcd server.
enum ClusterStore {
    case fake(String)
    case redis(String)
    case etcd(String, port: UInt16)

    static let fixture = "store"

    /// Makes one in that folder; nil where its server cannot be had, with a word why.
    static func make(_ engine: String, in scratch: Scratch) async throws -> ClusterStore? {
        if engine == "fake" {
            try await Fixtures.build("store")
            let folder = scratch.path + "/shared"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            return .fake(folder)
        }
        if engine == "etcd" { return try await etcd(in: scratch) }
        guard Tools.has("redis-server") else {
            print("a cluster with Redis is not tried: redis-server is not installed")
            return nil
        }
        _ = try await Command.shell(
            "'\(Fixtures.root)/scripts/share/build-stores' '\(scratch.path)/stores'", in: scratch)
        guard FileManager.default.fileExists(atPath: scratch.path + "/stores/libRedisStore.so") else {
            print("a cluster with Redis is not tried: its plugin cannot be built here")
            return nil
        }
        let store = ClusterStore.redis(scratch.path)
        try await store.control("start", in: scratch)
        return store
    }

    /// A member of its own, at a port of this machine that is free; $ETCD names the program where it is not in $PATH.
    private static func etcd(in scratch: Scratch) async throws -> ClusterStore? {
        let program = HostProcess.environment("ETCD") ?? "etcd"
        guard program.contains("/") || Tools.has(program) else {
            print("a cluster with etcd is not tried: etcd is not installed, and $ETCD does not name it")
            return nil
        }
        _ = try await Command.shell(
            "'\(Fixtures.root)/scripts/share/build-stores' '\(scratch.path)/stores'", in: scratch)
        guard FileManager.default.fileExists(atPath: scratch.path + "/stores/libEtcdStore.so") else {
            print("a cluster with etcd is not tried: its plugin cannot be built here")
            return nil
        }
        for _ in 0..<5 {
            let port = UInt16.random(in: 20_000..<30_000)
            let started = try? await Command.shell(
                """
                cd '\(scratch.path)' && rm -rf etcd && mkdir etcd && cd etcd
                '\(program)' --data-dir data --listen-client-urls http://127.0.0.1:\(port) \
                    --advertise-client-urls http://127.0.0.1:\(port) --listen-peer-urls unix://peer:1 \
                    --initial-advertise-peer-urls unix://peer:1 --initial-cluster default=unix://peer:1 --log-level error \
                    > log 2>&1 < /dev/null &
                echo $! > pid
                for i in $(seq 100); do
                    kill -0 "$(cat pid)" || exit 1
                    curl -s --max-time 1 http://127.0.0.1:\(port)/v3/kv/range -d '{"key":"YQ=="}' | grep -q cluster_id && exit 0
                    sleep 0.1
                done
                exit 1
                """, in: scratch)
            if started != nil { return .etcd(scratch.path, port: port) }
        }
        throw Unmet(description: "etcd does not start: \(Scratch.text(scratch.path + "/etcd/log"))")
    }

    /// Puts its plugin among those of a host.
    func add(to scratch: Scratch) throws {
        func add(_ library: String, of path: String) throws {
            try FileManager.default.copyItem(
                atPath: "\(path)/stores/\(library)", toPath: "\(scratch.plugins)/\(library)")
        }
        switch self {
        case .fake: try scratch.add("store")
        case .redis(let path): try add("libRedisStore.so", of: path)
        case .etcd(let path, _): try add("libEtcdStore.so", of: path)
        }
    }

    /// Its id, and its parameters.
    var settings: (id: String, params: String) {
        switch self {
        case .fake(let folder): ("fake-store", "directory: '\(folder)'")
        case .redis(let path): ("redis-store", "address: '\(path)/redis/socket'")
        case .etcd(_, let port): ("etcd-store", "endpoints: 'http://127.0.0.1:\(port)'")
        }
    }

    /// What its plugin's sandbox has to allow.
    var sandbox: String {
        switch self {
        case .fake: "write: []"
        case .redis(let path): "unix: ['\(path)/redis/socket']"
        case .etcd(_, let port): "connect: [\(port)]"
        }
    }

    /// It answers nobody, until `goOn`.
    func stop(in scratch: Scratch) async throws {
        switch self {
        case .fake(let folder): try Data("stop\n".utf8).write(to: URL(filePath: folder + "/faults"))
        case .redis, .etcd: try await control("stop", in: scratch)
        }
    }

    func goOn(in scratch: Scratch) async throws {
        switch self {
        case .fake(let folder): try FileManager.default.removeItem(atPath: folder + "/faults")
        case .redis, .etcd: try await control("go", in: scratch)
        }
    }

    /// It goes for good.
    func end(in scratch: Scratch) async throws {
        switch self {
        case .fake: break
        case .redis, .etcd: try await control("end", in: scratch)
        }
    }

    private func control(_ word: String, in scratch: Scratch) async throws {
        switch self {
        case .fake: break
        case .redis(let path):
            _ = try await Command.shell(
                "'\(Fixtures.root)/Tests/Stores/control-redis' '\(path)/redis' \(word)", in: scratch)
        case .etcd(let path, _):
            let signal = ["stop": "STOP", "go": "CONT"][word] ?? "KILL"
            _ = try await Command.shell("kill -\(signal) \"$(cat '\(path)/etcd/pid')\"", in: scratch)
        }
    }
}

/// Three hosts with one store, and a routine of which two cycles at once are noticed.
final class ClusterHosts {
    /// Each cycle locks a file of its part that all hosts share, and writes a line into another one when it begins, with its
    /// host's process id, the token of its lease, the time and its part. The kernel drops the lock when a process dies.
    static func source(_ log: String) -> String {
        Source.plugin(
            "exclusive", waitMs: 40, more: "#include <fcntl.h>\n#include <sys/file.h>\n",
            body: """
                char name[512];
                (void)snprintf(name, sizeof name, "\(log).%u", schedhost_shard(scheduler));
                int file = open("\(log)", O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC, 0600);
                int lock = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
                if (file < 0 || lock < 0) { return SCHEDHOST_ERROR; }
                struct timespec now;
                (void)clock_gettime(CLOCK_BOOTTIME, &now);
                dprintf(file, "%s %d %llu %lld %u\\n", flock(lock, LOCK_EX | LOCK_NB) == 0 ? "alone" : "OVERLAP",
                    (int)getppid(), (unsigned long long)schedhost_lease_token(scheduler),
                    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, schedhost_shard(scheduler));
                usleep(20000);
                (void)close(file);
                (void)close(lock);
                """)
    }

    /// A cycle that has begun.
    struct Cycle {
        let isAlone: Bool
        let host: Int32
        let token: UInt64
        let ms: Int64
        let shard: Int
    }

    let shared: Scratch
    let store: ClusterStore
    private(set) var hosts: [Host] = []
    private let log: String

    /// Starts the hosts, with leases of 2 s.
    init(_ engine: String, in shared: Scratch, _ store: ClusterStore, settings: String = "run_on: 'one'") async throws {
        self.shared = shared
        self.store = store
        log = shared.path + "/cycles"
        let fixture = "exclusive-\(engine)"
        try await Fixtures.build(fixture, c: Self.source(log))
        for _ in 0..<3 {
            let scratch = try Scratch()
            try store.add(to: scratch)
            try scratch.add(fixture)
            let (id, params) = store.settings
            try scratch.write(
                """
                { cluster: { store: '\(id)', lease_ms: 2000 }, sandbox: 'off',
                  plugins: { '\(id)': { params: { \(params) } }, exclusive: { \(settings) } } }
                """, to: "schedhost.json5")
            hosts.append(try Host(in: scratch))
        }
    }

    var cycles: [Cycle] {
        Scratch.text(log).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 5, let host = Int32(words[1]), let token = UInt64(words[2]), let ms = Int64(words[3]),
                let shard = Int(words[4])
            else { return nil }
            return Cycle(isAlone: words[0] == "alone", host: host, token: token, ms: ms, shard: shard)
        }
    }

    /// Awaits a cycle after those that there are now, not on that host; returns the host that runs it.
    func progress(not other: Host? = nil, within limit: Duration) async throws -> Host {
        let before = cycles.count
        return try await eventually(
            "a cycle on another host\n\(hosts.map(\.log).joined(separator: "---\n"))", within: limit
        ) {
            let new = self.cycles.dropFirst(before).last { $0.host != other?.pid }
            return new.flatMap { cycle in self.hosts.first { $0.pid == cycle.host } }
        }
    }

    /// Who runs each part at present: the host of its last cycle within the last 0.3 s.
    var holders: [Int: Int32] {
        let now = SystemClock().boot().nanoseconds / 1_000_000
        return Dictionary(
            cycles.filter { $0.ms > now - 300 }.map { ($0.shard, $0.host) }, uniquingKeysWith: { $1 })
    }

    /// All processes of a host, its workers first.
    func processes(of host: Host) -> [Int32] { host.workers + [host.pid] }
}
