internal import HostValues

/// When the store's worker is started: a pure machine, without a clock.
///
/// Leases wait for it, so it is started again for ever, and is never put in quarantine. The delay grows to a sixth of a lease,
/// 5 s at the most: with a longer one a host would lose what it holds though its store is there.
///
///     event       absent  loading serving waiting
///     plugin      loadS   loadS   loadGS  loadS
///     removed     .       absent  absentG absent
///     loaded      .       servR   .       .
///     failed      .       wait    waitG   .
///     due         .       .       .       loadS
///
///     S: have a worker load the plugin   R: the store can be asked   G: it cannot any more
struct StoreRestarts: Equatable {
    enum State: Equatable {
        /// There is no such plugin.
        case absent
        /// A worker is to load the plugin.
        case loading
        case serving(since: MonotonicTime)
        case waiting(until: MonotonicTime)
    }

    enum Event: Equatable {
        /// The plugin is there, or another version of it.
        case plugin
        /// The plugin is gone.
        case removed
        /// A worker has loaded it.
        case loaded
        /// The worker has ended, or could not load the plugin.
        case failed
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case deadline
    }

    enum Action: Equatable {
        case load, ready, gone
    }

    private static let shortest: Int64 = 20_000_000
    /// A worker that served so long was all right: the delay begins anew.
    private static let reset: Int64 = 30_000_000_000

    private(set) var state = State.absent
    private let longest: Int64
    private var delay = shortest

    /// One that starts nothing yet, for leases of so many ns.
    init(lease: Int64) { longest = min(max(lease / 6, Self.shortest), 5_000_000_000) }

    var nextDeadline: MonotonicTime? { if case .waiting(let until) = state { until } else { nil } }

    mutating func handle(_ event: Event, at now: MonotonicTime) -> [Action] {
        switch event {
        case .plugin:
            let gone: [Action] = leave()
            delay = Self.shortest
            state = .loading
            return gone + [.load]
        case .removed:
            let gone: [Action] = leave()
            state = .absent
            return gone
        case .loaded:
            guard state == .loading else { return [] }
            state = .serving(since: now)
            return [.ready]
        case .failed: return fail(at: now)
        case .deadline:
            guard case .waiting(let until) = state, now >= until else { return [] }
            state = .loading
            return [.load]
        }
    }

    private func leave() -> [Action] {
        switch state {
        case .serving: [.gone]
        case .absent, .loading, .waiting: []
        }
    }

    private mutating func fail(at now: MonotonicTime) -> [Action] {
        switch state {
        case .absent, .waiting: return []
        case .serving(let since):
            if now - since >= Self.reset { delay = Self.shortest }
            wait(at: now)
            return [.gone]
        case .loading:
            wait(at: now)
            return []
        }
    }

    private mutating func wait(at now: MonotonicTime) {
        state = .waiting(until: now + delay)
        delay = min(delay * 4, longest)
    }
}
