import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What is served over HTTP and written into files. Tools that are not there are done without, with a word.
    @Suite struct Pages {
        private func host(faulty: Bool = false) async throws -> (Host, Scratch, String) {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            if faulty {
                try scratch.add("faulty")
                try scratch.write("{ params: { misdeed: 'segv', at: 5, once: true } }", to: "faulty.json5")
            }
            let command = try Host(
                "--listen", "127.0.0.1:0", "--metrics-file", scratch.path + "/m.prom", in: scratch)
            let line = try await command.line("listening on http://")
            let port = line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""
            _ = try await command.line("healthy", "1 routine")
            return (command, scratch, "http://127.0.0.1:\(port)")
        }

        private func curl(_ arguments: String, in scratch: Scratch) async throws -> String {
            try await Command.shell("curl -s --max-time 10 \(arguments)", in: scratch)
        }

        @Test(.enabled(if: Tools.has("curl"), "curl is not installed"))
        func `pages, health and refusals`() async throws {
            let (host, scratch, url) = try await host()
            #expect(try await curl("\(url)/healthz", in: scratch) == "ok\n")
            try await eventually("a session") { LedgerView.all(in: scratch).contains { $0.cycle > 0 } }
            #expect(try await curl("\(url)/readyz", in: scratch) == "ready\n")
            #expect(try await curl("\(url)/", in: scratch).hasPrefix("<!doctype html>"))
            // A status is up to 50 ms old, and the host began about as long ago.
            var status = ""
            for _ in 0..<50 where !status.contains("\"id\":\"healthy/beat\"") {
                status = try await curl("\(url)/status.json", in: scratch)
            }
            #expect(status.contains("\"id\":\"healthy/beat\""), "\(status)")
            #expect(try await curl("\(url)/records.json", in: scratch) == "[]\n")
            for (arguments, status) in [
                ("-X POST \(url)/", "405"), ("-X DELETE \(url)/status.json", "405"),
                ("-H 'Host: evil.example' \(url)/", "421"),
                ("\(url)/nothing", "404"), ("\(url)/report/../lock", "404"), ("\(url)/report/1m864hsf4kk8q", "404"),
                ("-I \(url)/metrics", "200"), ("-d x=1 \(url)/", "405"),
                ("-H 'X: '$(head -c 33000 /dev/zero | tr '\\0' x) \(url)/", "431"),
            ] {
                let code = try await curl("--path-as-is -o /dev/null -w '%{http_code}' \(arguments)", in: scratch)
                #expect(code == status, "\(arguments.prefix(80))")
            }
            let head = try await curl("-I \(url)/", in: scratch)
            #expect(head.contains("default-src 'none'") && head.contains("nosniff"))
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test(.enabled(if: Tools.has("curl"), "curl is not installed"))
        func `a socket of the file system serves who may open it`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host(shell: "exec \"$@\" --listen unix:page.sock", in: scratch)
            try await host.line("listening on page.sock")
            #expect(try Directory(scratch.path).status("page.sock").mode == 0o600)
            let ask = "--unix-socket '\(scratch.path)/page.sock' http://any.example"
            #expect(try await curl("\(ask)/healthz", in: scratch) == "ok\n")
            #expect(try await curl("\(ask)/metrics", in: scratch).contains("schedhost_ready"))
            _ = try await host.end(by: Signals.terminate)
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/page.sock"))
            // What is there and is no socket was somebody's work.
            try Data("text".utf8).write(to: URL(filePath: scratch.path + "/page.sock"))
            let next = try Host(shell: "exec \"$@\" --listen unix:page.sock", in: scratch)
            #expect(try await next.ended() == .exited(1), "\(next.log)")
            #expect(next.log.contains("page.sock") && scratch.text("page.sock") == "text", "\(next.log)")
        }

        @Test(
            .enabled(
                if: Tools.has("curl") && Tools.has("promtool"),
                "curl or promtool (Debian: prometheus) is not installed"))
        func `the metrics are good Prometheus`() async throws {
            let (host, scratch, url) = try await host(faulty: true)
            try await host.line("faulty/misbehave", "SIGSEGV")
            try await eventually("cycles") { LedgerView.all(in: scratch).contains { $0.cycle > 20 } }
            _ = try await Command.shell("curl -s \(url)/metrics | promtool check metrics", in: scratch)
            _ = try await Command.shell(
                "'\(try Program.path)' metrics --state '\(scratch.state)' | promtool check metrics", in: scratch)
            _ = try await Command.shell("promtool check metrics < '\(scratch.path)/m.prom'", in: scratch)
            let text = try await curl("\(url)/metrics", in: scratch)
            #expect(
                text.contains("schedhost_routine_failed_sessions_total{plugin=\"faulty\",routine=\"misbehave\"} 1\n"))
        }

        @Test(.enabled(if: Tools.has("curl"), "curl is not installed"))
        func `other machines reach the page by address and by the names that are given`() async throws {
            let scratch = try Scratch()
            let host = try Host(
                "--listen", "0.0.0.0:0", "--listen-anywhere", "--listen-name", "Metrics.example", in: scratch)
            let line = try await host.line("listening on http://")
            let url = "http://127.0.0.1:\(line.split(separator: ":").last?.prefix { $0.isNumber } ?? "")/healthz"
            for (name, status) in [
                ("metrics.example:80", "200"), ("192.0.2.1", "200"), (HostProcess.hostName, "200"),
                ("evil.example", "421"), ("metrics.example.evil.example", "421"),
            ] {
                let code = try await curl("-o /dev/null -w '%{http_code}' -H 'Host: \(name)' \(url)", in: scratch)
                #expect(code == status, "\(name)")
            }
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test func `an address that others reach wants --listen-anywhere, and a taken one is told`() async throws {
            let scratch = try Scratch()
            for (address, status) in [
                ("0.0.0.0:0", Int32(64)), ("example.org:80", 64), ("127.0.0.1:x", 64), ("192.0.2.1:0", 64),
            ] {
                let host = try Host("--listen", address, in: scratch)
                #expect(try await host.ended() == .exited(status), "\(address) \(host.log)")
            }
            let anywhere = try Host("--listen", "0.0.0.0:0", "--listen-anywhere", "--exit-when-idle", in: scratch)
            #expect(try await anywhere.ended() == .exited(0), "\(anywhere.log)")
        }

        @Test(
            .enabled(if: Tools.has("curl") && Tools.has("chromium"), "curl or chromium is not installed"),
            .timeLimit(.minutes(2)))
        func `a browser shows the page, and the report as a file`() async throws {
            let (host, scratch, url) = try await host(faulty: true)
            try await host.line("faulty/misbehave", "SIGSEGV")
            try await eventually("the record") { try host.records.contains { $0.report != nil } }
            let file = scratch.path + "/report.html"
            let report = try Command(
                [try Program.path, "report", "--output", file, "--state", scratch.state], in: scratch)
            #expect(try await report.ended() == .exited(0), "\(report.errors)")
            for place in ["\(url)/", "file://\(file)"] {
                let document = try await document(of: place, in: scratch)
                for text in [
                    "healthy/beat", "crash SIGSEGV", "class=\"session failed\"", "misdeed_segv", "class=\"spread\"",
                ] {
                    #expect(document.contains(text), "\(place): \(text)")
                }
            }
            let record = try #require(try host.records.first { $0.report != nil })
            let lines = try await curl("\(url)/log.json", in: scratch)
            #expect(lines.contains(#""level":"error","subject":"faulty/misbehave""#), "\(lines)")
            let text = try await curl("\(url)/report/\(record.session)", in: scratch)
            #expect(text.contains(#/\n0 +misdeed_segv at misdeeds_faults.c:\d+ in faulty\n/#), "\(text)")
            let json = try await curl("\(url)/report/\(record.session).json", in: scratch)
            #expect(json.hasPrefix("{") && json.contains("misdeed_segv"))
        }

        /// What a browser has made of a page after some refreshes.
        private func document(of place: String, in scratch: Scratch) async throws -> String {
            try await Command.shell(
                "timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir='\(scratch.path)/browser' "
                    + "--virtual-time-budget=4000 --dump-dom '\(place)'", in: scratch)
        }

        @Test(
            .enabled(if: Tools.has("curl") && Tools.has("chromium"), "curl or chromium is not installed"),
            .timeLimit(.minutes(2)))
        func `a browser opens a routine by its address, and a session with its crash`() async throws {
            let (host, scratch, url) = try await host(faulty: true)
            try await host.line("faulty/misbehave", "SIGSEGV")
            try await eventually("the record") { try host.records.contains { $0.report != nil } }
            let record = try #require(try host.records.first { $0.report != nil })
            #expect((record.cycleTimes?.longest ?? 0) > 0)
            let file = scratch.path + "/report.html"
            let report = try Command(
                [try Program.path, "report", "--output", file, "--state", scratch.state], in: scratch)
            #expect(try await report.ended() == .exited(0), "\(report.errors)")
            for place in ["\(url)/", "file://\(file)"] {
                let own = try await document(of: "\(place)#/healthy/beat", in: scratch)
                for text in ["<title>healthy/beat", "id=\"r-why\">It ", "class=\"line worst\"", "healthy.so, version"] {
                    #expect(own.contains(text), "\(place): \(text)")
                }
                let session = try await document(of: "\(place)#/faulty/misbehave/\(record.session)", in: scratch)
                for text in ["aria-expanded=\"true\"", "misdeed_segv", "misdeeds_faults.c:", "class=\"failure\""] {
                    #expect(session.contains(text), "\(place): \(text)")
                }
                let isLive = place.hasPrefix("http")
                #expect(session.contains("class=\"frames\"") == isLive)
                #expect(session.contains("<h4>Last lines before its end") == isLive)
            }
            let absent = try await document(of: "\(url)/#/no/such", in: scratch)
            #expect(absent.contains("id=\"r-why\">There is no such routine in this host, and no record"))
        }

        @Test(
            .enabled(if: Tools.has("curl") && Tools.has("chromium"), "curl or chromium is not installed"),
            .timeLimit(.minutes(2)))
        func `what a plugin says does nothing in a browser`() async throws {
            let markup = "</td><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
            try await Fixtures.build(
                "page-hostile",
                c: Source.plugin(
                    "page-hostile", waitMs: 10,
                    body: #"schedhost_warning(scheduler, "\#(markup) \xe2\x80\xae turned \x1b[31m"); return 5;"#))
            let scratch = try Scratch()
            try scratch.add("page-hostile")
            let host = try Host("--listen", "127.0.0.1:0", in: scratch)
            let line = try await host.line("listening on http://")
            let url = "http://127.0.0.1:\(line.split(separator: ":").last?.prefix { $0.isNumber } ?? "")"
            try await host.line("page-hostile/run", "turned")
            for place in ["\(url)/", "\(url)/#/page-hostile/run"] {
                let document = try await document(of: place, in: scratch)
                #expect(document.contains("&lt;script&gt;document.title='owned'&lt;/script&gt;&lt;img"), "\(place)")
                #expect(document.contains("\\u{202e} turned \\u{1b}[31m") && !document.contains("<title>owned"))
                #expect(!document.contains("<img"))
            }
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test(.enabled(if: Tools.has("curl") && Tools.has("node"), "curl or node is not installed"))
        func `the page's script is good JavaScript`() async throws {
            let (host, scratch, url) = try await host()
            let file = scratch.path + "/page.js"
            _ = try await Command.shell(
                "curl -s '\(url)/' | sed -n '/^<script>$/,/^<\\/script>$/p' | sed '1d;$d' > '\(file)' && "
                    + "grep -q '^\"use strict\";' '\(file)' && node --check '\(file)'", in: scratch)
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test(.enabled(if: Tools.has("script"), "script (util-linux) is not installed"))
        func `top lives in a terminal and gives it back`() async throws {
            let (host, scratch, _) = try await host()
            let top = "'\(try Program.path)' top --state '\(scratch.state)' --interval 0.2"
            let screen = try await Command.shell(
                "(sleep 1.5; printf s; sleep 0.6; printf q) | NO_COLOR=1 script -qec \"\(top)\" /dev/null", in: scratch)
            #expect(
                screen.contains("\u{1B}[?1049h") && screen.contains("healthy/beat")
                    && screen.contains("sorted by state"))
            #expect(screen.contains("▁") || screen.contains("█"))
            #expect(!screen.contains("\u{1B}[31m"))
            let tail = try #require(screen.split(separator: "\u{1B}").last)
            #expect(tail.hasPrefix("[?1049l"), "the terminal was not given back: \(tail)")
            let pipe = try Command([try Program.path, "top", "--state", scratch.state], in: scratch)
            #expect(try await pipe.ended() == .exited(64))
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test(.timeLimit(.minutes(2)))
        func `the unit lives under a real systemd`() async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            let script = Fixtures.root + "/Tests/Install/systemd"
            let command = try Command(
                [script, try Program.path, Fixtures.file(of: "healthy"), Fixtures.file(of: "faulty")], in: scratch,
                environment: ["TMPDIR": "/tmp"])
            let end = try await command.ended(within: .seconds(100))
            // 77: there is none here, or it cannot be started; the script has said why.
            if end == .exited(77) { print(command.output) }
            #expect(end == .exited(0) || end == .exited(77), "\(command.output)\(command.errors)")
        }

        @Test func `a watchdog's SIGABRT ends the host, with Swift's handler of it too`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host(in: scratch, environment: ["SWIFT_BACKTRACE": "enable=yes"])
            _ = try await host.sessions(1)
            #expect(try await host.end(by: Signals.abort, expecting: .signaled(Signals.abort)) < .seconds(5))
            let next = try Host("--exit-when-idle", "--max-cycles", "1", in: scratch)
            try await next.ended()
            #expect(try next.records.map(\.reason.end) == [.hostDied, .maxCycles])
        }

        @Test(.enabled(if: Tools.has("python3"), "python3 is not installed"))
        func `systemd is told of readiness, reload and the end, and hears signs of life`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let listener = try Command(
                [
                    "/bin/sh", "-c",
                    "exec python3 -u -c 'import socket\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(\"\(scratch.path)/notify\")\nwhile True: print(s.recv(4096).decode(),flush=True)'",
                ], in: scratch)
            try await eventually("the listener") { FileManager.default.fileExists(atPath: scratch.path + "/notify") }
            let host = try Host(
                in: scratch,
                environment: [
                    "NOTIFY_SOCKET": scratch.path + "/notify", "WATCHDOG_USEC": "100000", "LISTEN_FDS": "1",
                    "INVOCATION_ID": "0123456789abcdef0123456789abcdef",
                ])
            try await eventually("READY") { listener.output.contains("READY=1") }
            try await eventually("its status") {
                listener.output.contains("STATUS=1 plugins, 1 of 1 routines in a session")
            }
            try await eventually("signs of life") { listener.output.split(separator: "WATCHDOG=1").count > 3 }
            host.command.signal(Signals.hangup)
            try await eventually("a reload") {
                let words = listener.output.split(separator: "\n")
                guard let reload = words.firstIndex(of: "RELOADING=1") else { return false }
                return words[reload...].contains("READY=1")
            }
            // A plugin that had these could speak in the host's name.
            let worker = try #require(host.workers.first)
            let own = Scratch.text("/proc/\(host.pid)/environ").split(separator: "\0")
            let theirs = Scratch.text("/proc/\(worker)/environ").split(separator: "\0")
            for name in ["NOTIFY_SOCKET=", "WATCHDOG_USEC=", "LISTEN_FDS="] {
                #expect(own.contains { $0.hasPrefix(name) } && !theirs.contains { $0.hasPrefix(name) }, "\(name)")
            }
            #expect(theirs.contains { $0.hasPrefix("INVOCATION_ID=") && own.contains($0) })
            _ = try await host.end(by: Signals.terminate)
            try await eventually("STOPPING") { listener.output.contains("STOPPING=1") }
        }
    }
}
