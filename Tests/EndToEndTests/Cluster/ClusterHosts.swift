import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// The store of a test's cluster: a directory, or a Redis server.
enum ClusterStore {
    case fake(String)
    case redis(String)

    static let fixture = "store"

    /// Makes one in that folder; nil where its server cannot be had, with a word why.
    static func make(_ engine: String, in scratch: Scratch) async throws -> ClusterStore? {
        if engine == "fake" {
            try await Fixtures.build("store")
            let folder = scratch.path + "/shared"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            return .fake(folder)
        }
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

    /// Puts its plugin among those of a host.
    func add(to scratch: Scratch) throws {
        switch self {
        case .fake: try scratch.add("store")
        case .redis(let path):
            try FileManager.default.copyItem(
                atPath: path + "/stores/libRedisStore.so", toPath: scratch.plugins + "/libRedisStore.so")
        }
    }

    /// Its id, and its parameters.
    var settings: (id: String, params: String) {
        switch self {
        case .fake(let folder): ("fake-store", "directory: '\(folder)'")
        case .redis(let path): ("redis-store", "address: '\(path)/redis/socket'")
        }
    }

    /// It answers nobody, until `goOn`.
    func stop(in scratch: Scratch) async throws {
        switch self {
        case .fake(let folder): try Data("stop\n".utf8).write(to: URL(filePath: folder + "/faults"))
        case .redis: try await control("stop", in: scratch)
        }
    }

    func goOn(in scratch: Scratch) async throws {
        switch self {
        case .fake(let folder): try FileManager.default.removeItem(atPath: folder + "/faults")
        case .redis: try await control("go", in: scratch)
        }
    }

    /// It goes for good.
    func end(in scratch: Scratch) async throws {
        switch self {
        case .fake: break
        case .redis: try await control("end", in: scratch)
        }
    }

    private func control(_ word: String, in scratch: Scratch) async throws {
        guard case .redis(let path) = self else { return }
        _ = try await Command.shell(
            "'\(Fixtures.root)/Tests/Stores/control-redis' '\(path)/redis' \(word)", in: scratch)
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
