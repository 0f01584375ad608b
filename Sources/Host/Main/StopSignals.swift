internal import HostSystem
internal import Synchronization

/// SIGINT and SIGTERM for a program that runs a plugin itself: the first one asks it to stop, a second one ends the process,
/// also while a callback does not return. On a thread of its own, since all others may be in the plugin.
final class StopSignals: Sendable {
    private let descriptor: SignalDescriptor
    private let came = Atomic<Bool>(false)

    /// Takes the signals over. Before any other thread exists.
    init() throws(SystemError) { descriptor = try SignalDescriptor([Signals.interrupt, Signals.terminate]) }

    /// Whether one has come.
    var haveCome: Bool { came.load(ordering: .relaxed) }

    /// Begins to wait for them; `tell` is called on another thread when the first one has come.
    func begin(_ tell: @escaping @Sendable () -> Void) throws(SystemError) {
        let poller = try Poller()
        try poller.add(descriptor.descriptor, for: .readable, token: 0)
        let waiting = Waiting(poller)
        try Thread.start(name: "signals") { [self] in
            while true {
                guard (try? waiting.poller.wait(milliseconds: -1) { _, _ in }) != nil else { return }
                while descriptor.next() != nil {
                    if came.exchange(true, ordering: .relaxed) { HostProcess.exitNow(130) }
                    tell()
                }
            }
        }
    }

    /// A poller on its way to the thread that has it from then on.
    private final class Waiting: Sendable {
        let poller: Poller

        init(_ poller: consuming Poller) { self.poller = poller }
    }
}
