internal import HostSystem
internal import HostValues

/// Restores a running host's lock, control socket and list of open sessions in its state directory if they are removed.
///
/// A cleaner of old files in /tmp removes them too. Then a second host could take the directory, nobody could reach this one,
/// and if it were killed before its next session begins, the sessions that run would have no record.
final class StateGuard {
    /// How often they are checked if the system does not report changes, in ns.
    private static let period: Int64 = 10_000_000_000

    private let path: String
    /// Identifies the host's directory, even if the path leads elsewhere later.
    private let own: FileStatus?
    private let log: any LogSink
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let openSocket: () -> Void
    private let writeSessions: () -> Void
    private let giveUp: () -> Void
    private var events: Events?
    private var lock: Descriptor?
    private var timer: Deadlines.Timer?
    private var hasFault = false
    /// Whether the list of open sessions is missing, and is to be written: that is asked for once, since it may have to wait
    /// for records that cannot be written.
    private var lacksSessions = false

    /// A `FileWatch` in an object, so that it can be optional.
    private final class Events {
        let watch: FileWatch

        init() throws(SystemError) { watch = try FileWatch() }
    }

    /// Starts to watch. `openSocket` opens the control socket again, and `writeSessions` has the open sessions written;
    /// `giveUp` is called if another host has taken the directory.
    init(
        _ path: String, loop: EventLoop, deadlines: Deadlines, clock: any HostClock, log: any LogSink,
        openSocket: @escaping () -> Void, writeSessions: @escaping () -> Void, giveUp: @escaping () -> Void
    ) {
        self.path = path
        own = try? Directory(path).descriptor.status(subject: path)
        self.log = log
        self.clock = clock
        self.deadlines = deadlines
        self.openSocket = openSocket
        self.writeSessions = writeSessions
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
            // Restores only in the host's own directory: in another one, the files would never be noticed as missing.
            if let own, try !own.isSameFile(as: directory.descriptor.status(subject: path)) {
                return sayOnce("\(path): another directory is there now")
            }
            if isGone("lock", in: directory) { try takeLock(directory) }
            if isGone(HostState.controlSocket, in: directory) {
                say(HostState.controlSocket)
                openSocket()
            }
            let lackedSessions = lacksSessions
            lacksSessions = isGone(OpenSessions.name, in: directory)
            if lacksSessions, !lackedSessions {
                say(OpenSessions.name)
                writeSessions()
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
