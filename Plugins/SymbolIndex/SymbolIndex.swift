public import PluginAPI

/// Where the libraries are by default; see `usableDirectory` for what else is tried.
let usualDirectory = "/usr/lib/x86_64-linux-gnu"

let directory = Parameter(
    "directory", default: usualDirectory, description: "whose shared libraries are indexed (not those below it)")
let limit = Parameter(
    "limit", default: 400, range: "1..100000", description: "how many libraries at most, in order of their names")
let symbol = Parameter("symbol", default: "malloc", description: "the symbol to look up each cycle")

let plugin = Plugin(
    "symbol-index", version: "1.0.0", description: "Indexes exported symbols through a disk cache",
    parameters: [directory, limit, symbol]
) {
    Routine("index", wait: .seconds(10), description: "which library exports a symbol") { scheduler in
        do {
            try lookUp(scheduler)
        } catch is Stopped where scheduler.stopRequested {
            scheduler.log.debug("the indexing was given up: the host stops")
        }
    }
}

/// One cycle: takes the index from the cache, and answers the question.
func lookUp(_ scheduler: Scheduler) throws {
    let path = usableDirectory(scheduler[directory])
    let most = scheduler[limit]
    let began = ContinuousClock.now
    let index = try scheduler.cache("index", expire: .seconds(600), codec: Index.codec, key: "\(path)|\(most)") {
        try Index(directory: path, limit: most, scheduler)
    }
    let wanted = scheduler[symbol]
    let found = index.libraries(exporting: wanted)
    let took = (ContinuousClock.now - began) / .milliseconds(1)
    scheduler.log.info(
        """
        cycle=\(scheduler.cycle) libraries=\(index.libraries.count) symbols=\(index.symbolCount) \
        skipped=\(index.skipped) took=\(Int(took))ms \(wanted): \(found.isEmpty ? "none" : found.joined(separator: " "))
        """)
    scheduler.stat("libraries", index.libraries.count)
    scheduler.stat("symbols", index.symbolCount)
    scheduler.stat("skipped", index.skipped)
    scheduler.stat("load_ms", index.loadMilliseconds)
}

/// The plugin's entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { unsafe plugin.descriptor }
