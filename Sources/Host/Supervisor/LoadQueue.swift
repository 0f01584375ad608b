/// Plugins that wait for their first worker: only so many are loaded at a time, so that a thousand at once do not
/// starve those that run. One that takes long gives its place up.
struct LoadQueue {
    private var waiting: [Int] = []
    private var next = 0
    private var inProgress: Set<Int> = []
    private let most = 4

    /// Puts a plugin at the end.
    mutating func add(_ plugin: Int) { waiting.append(plugin) }

    /// The next plugin that may be loaded now.
    mutating func take() -> Int? {
        guard inProgress.count < most, next < waiting.count else { return nil }
        let plugin = waiting[next]
        next += 1
        if next == waiting.count {
            waiting.removeAll()
            next = 0
        }
        inProgress.insert(plugin)
        return plugin
    }

    /// A plugin is loaded, refused, or slow.
    mutating func leave(_ plugin: Int) { inProgress.remove(plugin) }
}
