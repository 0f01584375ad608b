import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What is there on a terminal only: through a pseudo terminal, whose other side is a program in Python.
    @Suite(.enabled(if: Tools.has("python3"), "python3 is not installed")) struct Terminal {
        private func host() async throws -> Host {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            return host
        }

        /// Runs a program in Python; what it prints is JSON.
        private func python<Value: Decodable>(
            _ type: Value.Type, _ text: String, _ arguments: [String], in scratch: Scratch
        ) async throws -> Value {
            let file = scratch.path + "/terminal.py"
            try Data(text.utf8).write(to: URL(filePath: file))
            let command = try Command(
                ["/usr/bin/env", "python3", file] + arguments, in: scratch, environment: ["NO_COLOR": "1"])
            #expect(try await command.ended(within: .seconds(60)) == .exited(0), "\(command.errors)")
            return try JSONDecoder().decode(type, from: Data(command.output.utf8))
        }

        private struct Progress: Decodable {
            let text: String
            let status: Int32
        }

        @Test func `a long run shows how far it is, under its log, and takes that away at its end`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{ wait_ms: 25, max_cycles: 120 }", to: "healthy.json5")
            let shown = try await python(
                Progress.self,
                """
                import json,os,pty,struct,sys,fcntl,termios
                pid,terminal=pty.fork()
                if pid==0: os.execv(sys.argv[1],sys.argv[1:])
                fcntl.ioctl(terminal,termios.TIOCSWINSZ,struct.pack('HHHH',24,80,0,0))
                text=b''
                while True:
                    try: more=os.read(terminal,65536)
                    except OSError: break
                    if not more: break
                    text+=more
                print(json.dumps({'text':text.decode(),'status':os.waitstatus_to_exitcode(os.waitpid(pid,0)[1])}))
                """,
                [
                    try Program.path, "--plugins", scratch.plugins, "--state", scratch.state, "--exit-when-idle",
                ], in: scratch)
            #expect(shown.status == 0)
            // Each is redrawn in its place: from the line's beginning to its end, without a line break.
            let lines = shown.text.split(separator: "\r\u{1B}[K").filter {
                $0.contains("healthy/beat") && $0.contains("/120")
            }
            #expect(lines.count >= 2, "\(shown.text.debugDescription)")
            #expect(lines.allSatisfy { !$0.contains("\n") && TerminalText.width(String($0)) < 80 }, "\(lines)")
            let rest = try #require(shown.text.split(separator: "ended: max_cycles").last)
            #expect(rest.contains("healthy/beat") && !rest.contains("/120"), "the progress was not taken away")
        }

        private struct Screens: Decodable {
            struct Modes: Decodable, Equatable {
                let canonical: Bool
                let echo: Bool
            }
            let before: Modes
            let live: Modes
            let stopped: Modes
            let again: Modes
            let after: Modes
            let first: String
            let last: String
            let status: Int32
        }

        @Test func `Ctrl-Z in top gives the terminal back, and fg takes it again`() async throws {
            let host = try await host()
            let screens = try await python(
                Screens.self,
                """
                import fcntl,json,os,pty,select,signal,struct,sys,termios,time
                ready,tell=os.pipe()
                pid,terminal=pty.fork()
                if pid==0:
                    # A shell with one job, which it puts into the foreground again when it stops.
                    signal.signal(signal.SIGTTOU,signal.SIG_IGN)
                    os.read(ready,1)
                    job=os.fork()
                    if job==0:
                        os.setpgid(0,0)
                        os.tcsetpgrp(0,os.getpid())
                        signal.signal(signal.SIGTTOU,signal.SIG_DFL)
                        os.execv(sys.argv[1],sys.argv[1:])
                    while True:
                        _,status=os.waitpid(job,os.WUNTRACED)
                        if not os.WIFSTOPPED(status): os._exit(os.waitstatus_to_exitcode(status))
                        os.tcsetpgrp(0,os.getpgrp())
                        os.read(ready,1)
                        os.tcsetpgrp(0,job)
                        os.killpg(job,signal.SIGCONT)
                fcntl.ioctl(terminal,termios.TIOCSWINSZ,struct.pack('HHHH',24,100,0,0))
                def modes():
                    flags=termios.tcgetattr(terminal)[3]
                    return {'canonical':bool(flags&termios.ICANON),'echo':bool(flags&termios.ECHO)}
                def read(until):
                    text,end=b'',time.time()+15
                    while until not in text and time.time()<end:
                        if select.select([terminal],[],[],0.1)[0]:
                            try: text+=os.read(terminal,65536)
                            except OSError: break
                    return text
                found={'before':modes()}
                os.write(tell,b'x')
                read(b'healthy/beat'); found['live']=modes()
                os.write(terminal,b'\\x1a'); found['first']=read(b'\\x1b[?1049l').decode()
                time.sleep(0.3); found['stopped']=modes()
                os.write(tell,b'x')
                again=read(b'healthy/beat'); found['again']=modes()
                os.write(terminal,b'q'); found['last']=(again+read(b'\\x1b[?1049l')).decode()
                found['status']=os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]); found['after']=modes()
                print(json.dumps(found))
                """, [try Program.path, "top", "--state", host.scratch.state, "--interval", "0.2"], in: host.scratch)
            let plain = Screens.Modes(canonical: true, echo: true)
            let raw = Screens.Modes(canonical: false, echo: false)
            #expect(screens.before == plain && screens.live == raw)
            #expect(screens.stopped == plain, "a stopped top kept the terminal")
            #expect(screens.again == raw && screens.after == plain && screens.status == 0)
            #expect(screens.first.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"), "\(screens.first.suffix(60).debugDescription)")
            #expect(
                screens.last.contains("\u{1B}[?1049h") && screens.last.contains("healthy/beat"), "it was not redrawn")
            #expect(screens.last.contains("\u{1B}[?1049l"))
            _ = try await host.end(by: Signals.interrupt)
        }
    }
}
