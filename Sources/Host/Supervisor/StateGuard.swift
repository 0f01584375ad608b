internal import HostSystem
internal import HostValues

/// Keeps what a running host has in its state directory, and others need: its lock and its control socket.
///
/// What removes old files from /tmp removes them too: then a second host could take the directory, and nobody could ask
/// this one. Both are made anew as soon as they are gone.
final class StateGuard {
    /// How often they are looked for where the system tells of no changes, ns.
    private static let period: Int64 = 10_000_000_000

    private let path: String
    /// The directory that this host has, whatever the path leads to later.
    private let own: FileStatus?
    private let log: any LogSink
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let openSocket: () -> Void
    private let giveUp: () -> Void
    private var events: Events?
    private var lock: Descriptor?
    private var timer: Deadlines.Timer?
    private var hasFault = false

    /// Watches that can be held by an optional.
    private final class Events {
        let watch: FileWatch

        init() throws(SystemError) { watch = try FileWatch() }
    }

    /// Begins to watch. `openSocket` makes the control socket anew; `giveUp` is called when another host has the directory.
    init(
        _ path: String, loop: EventLoop, deadlines: Deadlines, clock: any HostClock, log: any LogSink,
        openSocket: @escaping () -> Void, giveUp: @escaping () -> Void
    ) {
        self.path = path
        own = try? Directory(path).descriptor.status(subject: path)
        self.log = log
        self.clock = clock
        self.deadlines = deadlines
        self.openSocket = openSocket
        self.giveUp = giveUp
        do throws(SystemError) {
            let events = try Events()
            _ = try events.watch.add(path, names: true)
            _ = try loop.watch(events.watch.descriptor) { [unowned self] _ in
                while !events.watch.take().isEmpty {}
                look()
            }
            self.events = events
        } catch {
            timer = deadlines.make { [unowned self] _ in
                look()
                arm()
            }
            arm()
        }
    }

    private func arm() { if let timer { deadlines.set(timer, at: clock.monotonic() + Self.period) } }

    private func look() {
        do throws(SystemError) {
            let directory = try Directory(path)
            // What is made anew is made in the directory that this host has: in another one it would be missed for ever.
            if let own, try !own.isSameFile(as: directory.descriptor.status(subject: path)) {
                return sayOnce("\(path): another directory is there now")
            }
            if isGone("lock", in: directory) { try takeLock(directory) }
            if isGone(HostState.controlSocket, in: directory) {
                say(HostState.controlSocket)
                openSocket()
            }
            hasFault = false
        } catch {
            sayOnce("\(error)")
        }
    }

    private func sayOnce(_ fault: String) {
        if !hasFault {
            log.write(
                .error, "",
                "the state directory cannot be used any more: \(fault): restart the host, with a --state that stays")
        }
        hasFault = true
    }

    private func isGone(_ name: String, in directory: borrowing Directory) -> Bool {
        do throws(SystemError) {
            _ = try directory.status(name)
            return false
        } catch {
            return error.isNotFound
        }
    }

    private func takeLock(_ directory: borrowing Directory) throws(SystemError) {
        let lock = try directory.openForUpdate("lock")
        let subject = directory.child("lock")
        guard try lock.lockByte(at: 0, patience: 0, subject: subject) else {
            log.write(.critical, "", "\(subject) was removed, and another host has taken the directory: this one ends")
            return giveUp()
        }
        try lock.truncate(to: 0, subject: subject)
        try lock.writeAll(Array("\(HostProcess.pid)\n".utf8), subject: subject)
        self.lock = consume lock
        say("lock")
    }

    private func say(_ name: String) {
        log.write(
            .warning, "",
            "\(path)/\(name) was removed and is made anew: a cleaner of temporary files leaves a --state outside of /tmp alone"
        )
    }
}
