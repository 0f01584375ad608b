import Glibc
import HostSystem
import Testing

@Suite("ChildProcess")
struct ChildProcessTests {
    @Test("an end is seen through the descriptor: by status, and by signal")
    func ends() throws {
        let exits = try Captured(["/bin/sh", "-c", "exit 3"])
        #expect(try exits.end() == .exited(3))
        let isThere = exits.child.signal(SIGTERM)
        #expect(!isThere)
        let sleeps = try Captured(["/bin/sleep", "60"])
        #expect(sleeps.child.ended() == nil && sleeps.child.reap() == nil)
        let isKilled = sleeps.child.signal(SIGKILL)
        #expect(isKilled)
        #expect(try sleeps.end() == .signaled(SIGKILL))
    }

    @Test("ended leaves the pid taken, reap releases it")
    func reaping() throws {
        let child = try Captured(["/bin/true"])
        _ = try child.text()
        let poller = try Poller()
        try poller.add(child.child.descriptor, for: .readable, token: 1)
        #expect(try poller.wait(milliseconds: 20_000) { _, _ in } == 1)
        #expect(child.child.ended() == .exited(0) && child.child.ended() == .exited(0))
        #expect(child.child.reap() == .exited(0) && child.child.reap() == nil)
    }

    @Test("a program that is not there is an error that names it")
    func missing() {
        #expect(throws: SystemError("posix_spawn", "/no/such/program", number: ENOENT)) {
            _ = try ChildProcess(
                .init(executable: "/no/such/program", arguments: ["x"], environment: [], descriptors: []))
        }
    }

    @Test("a child begins with no signal blocked or ignored, in a group of its own, with no descriptor of ours")
    func launch() throws {
        HostProcess.closeDescriptorsOnExec()
        // What the supervisor does to itself, on a thread of its own since the mask is the thread's.
        let previous = signal(SIGHUP, SIG_IGN)
        defer { _ = signal(SIGHUP, previous) }
        let done = Monitor<Result<String, any Error>?>(nil)
        try Thread.start(name: "launch") {
            var mask = sigset_t()
            unsafe sigfillset(&mask)
            unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
            let result = Result { try Captured(["/bin/sh", "-c", Self.probe]).text() }
            done.withLock { $0 = result }
            done.broadcast()
        }
        let text = try done.wait { $0 }.get()
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.contains("SigBlk:\t0000000000000000"), "\(text)")
        // Signals 32 and 33 are glibc's own, and ignored by its posix_spawn.
        let ignored = lines.first { $0.hasPrefix("SigIgn:\t") }.flatMap { UInt64($0.dropFirst(8), radix: 16) }
        #expect(ignored.map { $0 & ~0x1_8000_0000 } == 0, "\(text)")
        #expect(lines.contains("group same") && lines.contains("descriptors 0 1 2 "), "\(text)")
    }

    private static let probe = """
        exec 0</dev/null 2>&1
        grep -E 'SigBlk|SigIgn' /proc/self/status
        [ "$(cut -d' ' -f5 /proc/$$/stat)" = $$ ] && echo group same
        printf 'descriptors '; for f in /proc/$$/fd/*; do n=${f##*/}; [ -e $f ] && [ $n -lt 10 ] && printf '%s ' $n; done; echo
        """

    @Test("a process that executes one program after another never seems to have no environment, and a zombie has none")
    func environmentWhileExecuting() throws {
        let child = try Captured(["/bin/sh", "-c", #"exec /bin/sh -c "$0" "$0""#, #"exec /bin/sh -c "$0" "$0""#])
        var (found, without) = (0, 0)
        while found < 1000, child.child.ended() == nil {
            guard let environment = HostProcess.environment(of: child.child.pid) else { continue }
            found += 1
            if !environment.split(separator: 0).contains(where: { $0.elementsEqual("PATH=/usr/bin:/bin".utf8) }) {
                without += 1
            }
        }
        #expect(found == 1000 && without == 0)
        child.child.killGroup()
        while child.child.ended() == nil { sched_yield() }
        #expect((HostProcess.environment(of: child.child.pid) ?? []).isEmpty)
        #expect(!HostProcess.isExecuting(child.child.pid) && !HostProcess.isExecuting(HostProcess.pid))
        #expect(child.child.reap() == .signaled(SIGKILL))
    }

    @Test("killGroup ends what the child has started")
    func group() throws {
        let child = try Captured(["/bin/sh", "-c", "sleep 60 & sleep 60"])
        child.child.killGroup()
        #expect(try child.end() == .signaled(SIGKILL))
        #expect(try child.text() == "", "the pipe is closed, so nobody of the group holds it")
    }
}
