import Foundation

/// A child process, with its resource usage after its end.
final class Child {
    struct Usage {
        /// Processor seconds, its own and those of the children it has waited for.
        var cpu: Double
        var status: Int32
    }

    let pid: pid_t
    private var usage: Usage?

    /// Starts a program. `output` names files for standard output and standard error; nil throws them away.
    init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:], output: String? = nil,
        errors: String? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = all.map { strdup($0) } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var number = pid_t()
        let code = posix_spawn(&number, path, &actions, nil, &words, &variables)
        if code != 0 { throw Trouble("\(path): \(String(cString: strerror(code)))") }
        pid = number
    }

    /// Waits for its end.
    @discardableResult
    func wait() -> Usage {
        if let usage { return usage }
        var status: Int32 = 0
        var spent = rusage()
        while wait4(pid, &status, 0, &spent) < 0, errno == EINTR {}
        return finish(status, spent)
    }

    /// Waits so long, then ends it.
    @discardableResult
    func wait(seconds: Double) throws -> Usage {
        let deadline = bootSeconds() + seconds
        while usage == nil {
            var status: Int32 = 0
            var spent = rusage()
            if wait4(pid, &status, WNOHANG, &spent) == pid { return finish(status, spent) }
            if bootSeconds() > deadline {
                kill(pid, SIGKILL)
                wait()
                throw Trouble("it did not end within \(Int(seconds)) s")
            }
            usleep(2000)
        }
        return wait()
    }

    func signal(_ number: Int32) { if usage == nil { kill(pid, number) } }

    private func finish(_ status: Int32, _ spent: rusage) -> Usage {
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        let usage = Usage(cpu: seconds(spent.ru_utime) + seconds(spent.ru_stime), status: status)
        self.usage = usage
        return usage
    }

    deinit {
        if usage == nil {
            kill(pid, SIGKILL)
            wait()
        }
    }
}

/// What the kernel says of running processes.
enum Kernel {
    static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The direct children.
    static func children(of pid: pid_t) -> [pid_t] {
        text("/proc/\(pid)/task/\(pid)/children").split(separator: " ").compactMap { pid_t($0) }
    }

    /// Private memory, MB.
    static func privateMemory(_ pid: pid_t) -> Double {
        field("/proc/\(pid)/smaps_rollup", "Private_Clean:", "Private_Dirty:") / 1024
    }

    /// The most memory that was in use at once so far, MB.
    static func peakMemory(_ pid: pid_t) -> Double { field("/proc/\(pid)/status", "VmHWM:") / 1024 }

    /// Processor seconds so far, to the nanosecond: in /proc they are in hundredths, which is more than a few routines take.
    static func cpu(_ pid: pid_t) -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Times that any of its threads has gone to sleep so far.
    static func sleeps(_ pid: pid_t) -> Double {
        tasks(pid).map { field("/proc/\(pid)/task/\($0)/status", "voluntary_ctxt_switches:") }.reduce(0, +)
    }

    static func tasks(_ pid: pid_t) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    }

    static func descriptors(_ pid: pid_t) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []).count
    }

    private static func field(_ path: String, _ names: String...) -> Double {
        var sum = 0.0
        for line in text(path).split(separator: "\n") where names.contains(where: { line.hasPrefix($0) }) {
            let digits = line.filter { $0.isNumber || $0 == " " || $0 == "\t" }.split(whereSeparator: \.isWhitespace)
            sum += digits.first.flatMap { Double($0) } ?? 0
        }
        return sum
    }
}

/// The boot clock, which the plugin and the limit programs read too.
func bootSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Waits until something holds, looking every `every` seconds; throws when it does not within `seconds`.
func waitFor(_ what: String, seconds: Double, every: Double = 0.02, _ holds: () -> Bool) throws {
    let deadline = bootSeconds() + seconds
    while !holds() {
        if bootSeconds() > deadline { throw Trouble("\(what): not within \(Int(seconds)) s") }
        usleep(UInt32(every * 1e6))
    }
}
