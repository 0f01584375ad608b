import HostCluster
import HostValues

/// A store that does compare and set, and that can lose what it has acknowledged.
struct ModelStore {
    private(set) var values: [String: StoreAnswer.Entry] = [:]
    private(set) var instance = 1
    var isUp = true
    private var version: UInt64 = 0
    /// What each commit has overwritten, to be undone by a failover.
    private var log: [(time: Int64, key: String, old: StoreAnswer.Entry?)] = []

    /// The version of the commit; nil where a condition does not hold.
    mutating func commit(_ request: StoreRequest, at time: Int64) -> UInt64? {
        for condition in request.conditions {
            if values[condition.key]?.version ?? 0 != condition.version { return nil }
        }
        version += 1
        for put in request.puts {
            log.append((time, put.key, values[put.key]))
            values[put.key] = StoreAnswer.Entry(key: put.key, version: version, value: put.value)
        }
        for key in request.deletes {
            log.append((time, key, values[key]))
            values[key] = nil
        }
        if log.count > 4000 { log.removeFirst(2000) }
        return version
    }

    func list(_ prefix: String) -> [StoreAnswer.Entry] {
        values.values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
    }

    /// Another server goes on without the commits since `time`, and may give their versions again.
    mutating func failOver(since time: Int64, repeatsVersions: Bool) {
        while let last = log.last, last.time >= time {
            values[last.key] = last.old
            log.removeLast()
        }
        log = []
        instance += 1
        if repeatsVersions { version = values.values.reduce(0) { max($0, $1.version) } }
    }

    /// All is gone.
    mutating func wipe(repeatsVersions: Bool, changesInstance: Bool) {
        values = [:]
        log = []
        if changesInstance { instance += 1 }
        if repeatsVersions { version = 0 }
    }
}
