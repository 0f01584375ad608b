internal import HostSystem
internal import Synchronization

/// Handles SIGINT and SIGTERM in a program that runs a plugin in its own process. The first signal requests a stop; the
/// second one ends the process, even if a callback does not return. A thread of its own waits for the signals, because
/// all other threads may be inside the plugin.
final class StopSignals: Sendable {
    private let bell: Doorbell
    private let came = Atomic<Bool>(false)

    /// Takes over the signals. The object must live as long as the process.
    init() throws(SystemError) {
        bell = try Doorbell()
        try HostProcess.ringAtStop(bell)
    }

    /// Whether a signal has arrived.
    var haveCome: Bool { came.load(ordering: .relaxed) }

    /// Begins to wait. `tell` is called on another thread for the first signal.
    func begin(_ tell: @escaping @Sendable () -> Void) throws(SystemError) {
        let poller = try Poller()
        try poller.add(bell.descriptor, for: .readable, token: 0)
        let waiting = Waiting(poller)
        try Thread.start(name: "signals") { [self] in
            while true {
                guard (try? waiting.poller.wait(milliseconds: -1) { _, _ in }) != nil else { return }
                // The handler may have interrupted the wait itself.
                guard bell.hush() else { continue }
                if came.exchange(true, ordering: .relaxed) { HostProcess.exitNow(130) }
                tell()
            }
        }
    }

    /// Carries the poller to the thread that owns it from then on.
    private final class Waiting: Sendable {
        let poller: Poller

        init(_ poller: consuming Poller) { self.poller = poller }
    }
}
