internal import HostValues

/// The plugins that wait to be described. Only a few are loaded at a time, so that a thousand at once do not starve the
/// running ones. A load that takes long gives up its place in this count.
struct LoadQueue {
    private var waiting: [Int] = []
    private var next = 0
    private var haltedUntil: MonotonicTime?
    private var inProgress: [Int: MonotonicTime] = [:]
    private var postponed: [Int: MonotonicTime] = [:]
    /// The plugins that were postponed before.
    private var late: Set<Int> = []
    private let most = 4
    /// How long a load counts, in ns.
    private static let patience: Int64 = 500_000_000
    /// After how long a plugin that was postponed is taken again, in ns.
    private static let pause: Int64 = 200_000_000
    /// After how long a failed start of a worker is retried, in ns.
    static let retry: Int64 = 2_000_000_000

    /// Appends a plugin.
    mutating func add(_ plugin: Int) { waiting.append(plugin) }

    /// Takes the next plugin, if it may be loaded now.
    mutating func take(at now: MonotonicTime) -> Int? {
        if let until = haltedUntil, now < until { return nil }
        inProgress = inProgress.filter { now < $0.value }
        for (plugin, time) in postponed where time <= now {
            postponed[plugin] = nil
            add(plugin)
        }
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

    /// Notes that a plugin was described or refused, or is gone.
    mutating func leave(_ plugin: Int) {
        inProgress[plugin] = nil
        postponed[plugin] = nil
        late.remove(plugin)
    }

    /// Notes that a plugin cannot be loaded now, while others can: it is taken again a little later. Returns whether that is
    /// new.
    mutating func postpone(_ plugin: Int, at now: MonotonicTime) -> Bool {
        inProgress[plugin] = nil
        postponed[plugin] = now + Self.pause
        return late.insert(plugin).inserted
    }

    /// Notes that no worker can be started: the queue stops until that time, and the plugin is appended.
    mutating func halt(at time: MonotonicTime, for plugin: Int) {
        haltedUntil = time
        add(plugin)
    }

    /// Notes that a worker could be started.
    mutating func goOn() { haltedUntil = nil }

    /// Whether the last attempt to start a worker failed.
    var isHalted: Bool { haltedUntil != nil }

    /// When to call `take` again: when a long load stops counting, or when to retry to start a worker. Nil if no plugin
    /// waits.
    var deadline: MonotonicTime? {
        var time = postponed.values.min()
        if next < waiting.count {
            let room = inProgress.count < most ? .longAgo : inProgress.values.min() ?? .longAgo
            time = min(time ?? .never, room)
        }
        // A halt that is over holds nothing up, though the queue is halted until a worker could be started.
        return time.map { max($0, haltedUntil ?? .longAgo) }
    }
}
