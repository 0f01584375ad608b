internal import CHostSystem
internal import Glibc

/// How a child ended. wait(2).
public enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    /// It called `exit`, with this status.
    case exited(Int32)
    /// A signal of this number ended it.
    case signaled(Int32)

    /// The end in one line, for messages.
    public var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signaled(let number): "ended by \(signalName(number))"
        }
    }
}

/// The usual name of a signal, such as `SIGSEGV`; `signal N` if it has no name. signal(7).
public func signalName(_ number: Int32) -> String {
    guard let name = unsafe chs_signal_name(number) else { return "signal \(number)" }
    return unsafe "SIG" + String(cString: name)
}

/// A child process that this value signals and reaps through a process descriptor, so a reused pid is never hit.
/// pidfd_open(2).
public struct ChildProcess: ~Copyable, Sendable {
    /// Its process id, also the id of its session and process group.
    public let pid: Int32
    /// Becomes readable when the process has ended.
    public let descriptor: Descriptor

    /// What a child process starts with.
    public struct Launch: Sendable {
        /// The path of the program.
        public var executable: String
        /// All arguments, the program's name first.
        public var arguments: [String]
        /// The whole environment, as `NAME=value`: the child inherits no other variable.
        public var environment: [String]
        /// Pairs of a descriptor of this process and its number in the child. All other descriptors are closed on exec.
        public var descriptors: [(from: Int32, to: Int32)]

        /// Makes a launch from its parts.
        public init(
            executable: String, arguments: [String], environment: [String], descriptors: [(from: Int32, to: Int32)]
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.descriptors = descriptors
        }
    }

    /// Starts a child with default signal dispositions, an empty signal mask, and a session and process group of its
    /// own.
    /// Since the child has no controlling terminal, it can neither type into ours nor write to it past the code that
    /// sanitizes its output. posix_spawn(3), `POSIX_SPAWN_SETSID`; never a bare fork.
    public init(_ launch: Launch) throws(SystemError) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        var taken: Set<Int32> = []
        var aside: [Int32] = []
        defer { for number in aside { _ = close(number) } }
        for pair in launch.descriptors {
            var from = pair.from
            // By then the child would have another file under that number.
            if taken.contains(from) {
                from = try retrying("fcntl", "descriptor \(from)") { chs_fcntl(pair.from, F_DUPFD_CLOEXEC, 512) }
                aside.append(from)
            }
            taken.insert(pair.to)
            unsafe posix_spawn_file_actions_adddup2(&actions, from, pair.to)
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        unsafe sigfillset(&mask)
        unsafe posix_spawnattr_setsigdefault(&attributes, &mask)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, declared for _GNU_SOURCE only
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession))

        var pid: pid_t = 0
        let number = unsafe withCStrings(launch.arguments) { arguments in
            unsafe withCStrings(launch.environment) { environment in
                HostProcess.withOpenFilesOfChildren {
                    unsafe posix_spawn(&pid, launch.executable, &actions, &attributes, arguments, environment)
                }
            }
        }
        if number != 0 { throw SystemError("posix_spawn", launch.executable, number: number) }
        let child = pid
        // The child has not been reaped, so its pid cannot belong to another process yet.
        do throws(SystemError) {
            descriptor = Descriptor(owning: try retrying("pidfd_open", "process \(child)") { chs_pidfd_open(child, 0) })
        } catch {
            // Without a descriptor nobody could reap the child later, so it is ended here.
            _ = kill(child, SIGKILL)
            _ = waitpid(child, nil, 0)
            throw error
        }
        self.pid = child
    }

    /// Sends a signal to the process; false if it has ended. pidfd_send_signal(2).
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        chs_pidfd_send_signal(descriptor.raw, number) == 0
    }

    /// Sends a signal to one thread of the process; false if there is no such thread. tgkill(2).
    @discardableResult
    public func signal(_ number: Int32, thread: Int32) -> Bool {
        chs_tgkill(pid, thread, number) == 0
    }

    /// Sends SIGKILL to all remaining members of the process group. Call it before `reap`, while the group's id cannot
    /// be reused.
    public func killGroup() {
        _ = kill(-pid, SIGKILL)
    }

    /// How the process ended, or nil while it runs. Keeps its pid reserved. waitid(2), `WNOWAIT`.
    public func ended() -> ProcessEnd? { wait(WEXITED | WNOHANG | WNOWAIT) }

    /// How the process ended, or nil while it runs. Releases its pid. waitid(2).
    public func reap() -> ProcessEnd? { wait(WEXITED | WNOHANG) }

    /// Whether the process has ended, which is then reaped, if it was not yet by somebody else: its descriptor is readable from
    /// then on. pidfd_open(2).
    public func isGone() -> Bool {
        guard (try? descriptor.waitUntilReadable(milliseconds: 0)) ?? true else { return false }
        _ = reap()
        return true
    }

    private func wait(_ options: Int32) -> ProcessEnd? {
        var code: Int32 = 0
        var status: Int32 = 0
        guard unsafe chs_waitid_pidfd(descriptor.raw, options, &code, &status) > 0 else { return nil }
        return code == 1 ? .exited(status) : .signaled(status)
    }
}

/// Calls `body` with a NULL-terminated array of C strings, which is valid only during the call.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { unsafe pointers[index] = unsafe strdup(string) }
    unsafe pointers[strings.count] = nil
    defer {
        for index in strings.indices { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
    return unsafe body(pointers)
}
