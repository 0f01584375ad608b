internal import CPluginAPI

/// Which routines a cache is for.
public enum CacheScope: Sendable {
    /// Each routine that uses it has values of its own.
    case routine
    /// All routines of the plugin share its values, its loads and its counters; also `load` and `unload` may use it.
    ///
    /// While one routine loads, the others wait for it. One that is asked to stop meanwhile gets a `CancellationError`, and
    /// one that would soon be over its own timeout a `CacheError`. If a load fails whose routine was asked to stop, the next
    /// one loads. With isolation "routine" each routine has a process of its own: then they share what is on disk, and
    /// nothing in memory. A host of ABI 1.0 has no such caches, and each call throws a `CacheError`; `needsMinor: 1` keeps
    /// the plugin from running there.
    case plugin
}

/// What the contexts of one plugin have in common: the caches that its routines share. Immortal.
@safe final class PluginCaches: @unchecked Sendable {
    // @unchecked: pointers of the host's, which live as long as the process, under a lock.

    @safe private struct State {
        var host: UnsafePointer<schedhost_host>?
        var contexts: [UnsafePointer<schedhost_scheduler>: CallbackContext] = unsafe [:]
    }

    /// The caches that are open.
    let open = Guarded<[CacheBinding]>([])
    private let state = Guarded(State())

    /// Notes by which scheduler the host calls a context; what another host has opened is of no use any more.
    func bind(
        _ scheduler: UnsafePointer<schedhost_scheduler>, _ context: CallbackContext,
        _ host: UnsafePointer<schedhost_host>
    ) {
        let isNew = state.withLock { state in
            defer { unsafe state.host = unsafe host }
            let isNew = unsafe state.host != host
            if isNew { unsafe state.contexts = unsafe [:] }
            unsafe state.contexts[scheduler] = context
            return isNew
        }
        if isNew { open.withLock { $0.removeAll() } }
    }

    /// The context that the host calls by that scheduler.
    func context(of scheduler: UnsafePointer<schedhost_scheduler>) -> CallbackContext? {
        state.withLock { unsafe $0.contexts[scheduler] }
    }
}
