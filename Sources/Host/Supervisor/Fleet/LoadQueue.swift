internal import HostValues

/// Plugins that wait for their first worker: only so many are loaded at a time, so that a thousand at once do not
/// starve those that run. One that takes long gives its place up.
struct LoadQueue {
    private var waiting: [Int] = []
    private var next = 0
    private var haltedUntil: MonotonicTime?
    private var inProgress: [Int: MonotonicTime] = [:]
    private let most = 4
    /// How long a plugin keeps its place, ns.
    private static let patience: Int64 = 500_000_000

    /// Puts a plugin at the end.
    mutating func add(_ plugin: Int) { waiting.append(plugin) }

    /// The next plugin that may be loaded now.
    mutating func take(at now: MonotonicTime) -> Int? {
        if let until = haltedUntil, now < until { return nil }
        inProgress = inProgress.filter { now < $0.value }
        guard inProgress.count < most, next < waiting.count else { return nil }
        let plugin = waiting[next]
        next += 1
        if next == waiting.count {
            waiting.removeAll()
            next = 0
        }
        inProgress[plugin] = now + Self.patience
        return plugin
    }

    /// A plugin is loaded, refused, or gone.
    mutating func leave(_ plugin: Int) { inProgress[plugin] = nil }

    /// No worker can be had: nothing is taken before that time, and then this plugin after the others.
    mutating func halt(at time: MonotonicTime, for plugin: Int) {
        haltedUntil = time
        add(plugin)
    }

    /// A worker could be had.
    mutating func goOn() { haltedUntil = nil }

    /// Whether no worker could be had the last time.
    var isHalted: Bool { haltedUntil != nil }

    /// When a place becomes free though its plugin is not loaded, for one that waits, or when it is tried again to get a
    /// worker; or nil.
    var deadline: MonotonicTime? { next < waiting.count ? haltedUntil ?? inProgress.values.min() : nil }
}
