internal import CPluginAPI
internal import HostSystem

/// A cache's source that runs on the calling thread: where the text goes that it attaches by `fail`.
///
/// Whoever calls a source does it through `run`, on whichever thread. Scopes nest, since a source may ask another
/// cache.
@safe struct SourceScope {
    private let scheduler: UnsafePointer<schedhost_scheduler>
    private var message = ""

    /// Runs a source of this routine's; gives its code, and the text that it attached if that is an error.
    static func run(
        _ scheduler: UnsafePointer<schedhost_scheduler>, _ source: () -> Int32
    ) -> (code: Int32, message: String) {
        var scope = unsafe SourceScope(scheduler: scheduler)
        let outer = unsafe Thread.slot
        defer { unsafe Thread.slot = unsafe outer }
        let code = unsafe withUnsafeMutablePointer(to: &scope) { scope in
            unsafe Thread.slot = UnsafeMutableRawPointer(scope)
            return source()
        }
        return (code, code == 0 ? "" : scope.message)
    }

    /// Keeps a text for the source that runs on this thread; false when none does, or one of another routine's.
    static func attach(_ message: String, by scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
        guard let scope = unsafe Thread.slot?.assumingMemoryBound(to: SourceScope.self),
            unsafe scope.pointee.scheduler == scheduler
        else { return false }
        unsafe scope.pointee.message = message
        return true
    }

    private init(scheduler: UnsafePointer<schedhost_scheduler>) { unsafe self.scheduler = unsafe scheduler }
}
