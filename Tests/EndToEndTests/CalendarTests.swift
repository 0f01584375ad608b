import FoundationEssentials
import HostCommandLine
import HostPolicy
import HostStore
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// `schedhost calendar`, what the first page says about it, and systemd's own opinion.
    @Suite struct Calendar {
        @Test func `as JSON it is one line with the normal form and the times`() async throws {
            let scratch = try Scratch()
            let (end, output, errors) = try await Program.run(
                "calendar", "Mon..Fri 09:30", "--zone", "Europe/Berlin", "--from", "2026-11-26T12:00:00Z", "--count",
                "2",
                "--json", in: scratch)
            #expect(end == .exited(0) && errors.isEmpty)
            #expect(
                output == #"{"normal":"Mon..Fri *-*-* 09:30:00","next":["#
                    + #"{"utc":"2026-11-27T08:30:00Z","local":"2026-11-27T09:30:00+01:00"},"#
                    + #"{"utc":"2026-11-30T08:30:00Z","local":"2026-11-30T09:30:00+01:00"}]}"# + "\n")
        }

        @Test func `a schedule that is over has no times`() async throws {
            let scratch = try Scratch()
            for (option, expected) in [
                ("--json", #"{"normal":"2003-01-05 00:00:00","next":[]}"#), ("--count=1", "never"),
            ] {
                let (end, output, _) = try await Program.run("calendar", "2003-01-05", option, in: scratch)
                #expect(end == .exited(0) && output.contains(expected), "\(output)")
            }
        }

        @Test(
            arguments: [
                (["30 9 * *"], "has 4 words"), (["10:00 UTC", "--zone", "CET"], "leave one out"),
                (["10:00", "--zone", "Europe/Berln"], "there is no time zone 'Europe/Berln' in /usr/share/zoneinfo"),
                (["10:00", "--zone", "../../../etc/passwd"], "there is no time zone"),
                (["10:00", "--from", "x"], "is not a time"),
                (["10:00", "--dst", "twice"], "once, skip or wall"), ([], "TEXT... is missing"),
            ] as [([String], String)])
        func `what is wrong is said, with exit status 64`(arguments: [String], message: String) async throws {
            let scratch = try Scratch()
            let command = try Command([try Program.path, "calendar"] + arguments, in: scratch)
            #expect(try await command.ended() == .exited(64))
            #expect(command.errors.contains(message), "\(command.errors)")
        }

        @Test(arguments: [
            (["TZ": "Asia/Tokyo"], "Asia/Tokyo", "2026-01-01T01:00:00Z"),
            (["TZ": ":UTC"], "UTC", "2026-01-01T10:00:00Z"),
            (["TZ": ""], "UTC", "2026-01-01T10:00:00Z"), (["TZ": "<+02>-2"], "<+02>-2", "2026-01-01T08:00:00Z"),
            (["TZ": "/usr/share/zoneinfo/Asia/Kathmandu"], "Asia/Kathmandu", "2026-01-01T04:15:00Z"),
        ])
        func `without a zone it is the machine's own`(environment: [String: String], name: String, time: String)
            async throws
        {
            let scratch = try Scratch()
            let (end, output, errors) = try await Program.run(
                "calendar", "2026-01-01 10:00", "--from", "2025-12-30T00:00:00Z", in: scratch, environment: environment)
            #expect(end == .exited(0) && errors.isEmpty, "\(errors)")
            #expect(output.contains("zone \(name)\n") && output.contains(time), "\(output)")
        }

        @Test func `a zone that is damaged is said to be`() async throws {
            let scratch = try Scratch()
            try Data("TZif2".utf8).write(to: URL(filePath: scratch.path + "/Bad"))
            let (end, _, errors) = try await Program.run(
                "calendar", "10:00 Bad", in: scratch, environment: ["TZDIR": scratch.path])
            #expect(end == .exited(64) && errors.contains("/Bad: it is shorter than its header says"), "\(errors)")
        }

        /// Each command line of the chapter, and what it says there.
        @Test func `the first page shows what comes out`() async throws {
            let page = Scratch.text(Fixtures.root + "/README.md")
            let chapter = try #require(page.firstRange(of: "## When it runs")).lowerBound
            var shown: [(line: String, output: String)] = []
            for line in page[chapter...].split(separator: "\n", omittingEmptySubsequences: false) {
                if line.hasPrefix("## "), !shown.isEmpty { break }
                guard line.hasPrefix("    ") else { continue }
                let text = String(line.dropFirst(4))
                if text.hasPrefix("$ schedhost ") {
                    shown.append((String(text.dropFirst("$ schedhost ".count)), ""))
                } else if !shown.isEmpty {
                    shown[shown.count - 1].output += text + "\n"
                }
            }
            #expect(shown.count == 4)
            for (line, output) in shown {
                let scratch = try Scratch()
                let command = try Command(["/bin/sh", "-c", "'\(try Program.path)' \(line) 2>&1"], in: scratch)
                _ = try await command.ended()
                #expect(command.output == output, "\(line)")
            }
        }

        /// Texts that both understand, made at random, in zones without changes of the clock.
        @Test(.enabled(if: Tools.has("systemd-analyze"), "systemd-analyze is not installed"))
        func `agrees with systemd away from changes of the clock`() async throws {
            var random = SystemRandomNumberGenerator()
            func element(_ low: Int, _ high: Int) -> String {
                let a = Int.random(in: low...high, using: &random)
                let b = Int.random(in: a...high, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1: return "*"
                case 2: return "\(a)..\(b)"
                case 3 where a + 1 < high: return "\(a)/\(Int.random(in: 1...(high - a), using: &random))"
                case 4: return "\(a),\(b)"
                default: return "\(a)"
                }
            }
            let days = ["", "Mon ", "Mon..Fri ", "Sat,Sun ", "Tue,Thu..Sat ", "Fri "]
            var texts: [String] = []
            while texts.count < 150 {
                let date =
                    Bool.random(using: &random) ? "-\(element(1, 28))" : "~\(Int.random(in: 1...28, using: &random))"
                let text =
                    days[Int.random(in: 0..<days.count, using: &random)] + "*-\(element(1, 12))\(date) "
                    + "\(element(0, 23)):\(element(0, 59)):\(Int.random(in: 0..<60, using: &random))"
                    + (Bool.random(using: &random) ? " Asia/Tokyo" : " UTC")
                if (try? ScheduleText(text, isZone: TimeZones.has)) != nil { texts.append(text) }
            }
            let scratch = try Scratch()
            let base = "2026-03-01 00:00:00 UTC"
            let systemd = try Command(
                ["/usr/bin/env", "systemd-analyze", "calendar", "--iterations=4", "--base-time=\(base)"] + texts,
                in: scratch, environment: ["TZ": "UTC"])
            #expect(try await systemd.ended() == .exited(0), "\(systemd.errors)")
            let answers = systemd.output.split(separator: "\n\n")
            try #require(answers.count == texts.count)
            let from = try #require(Timestamp.parse("2026-03-01T00:00:00Z")) / 1000
            for (text, answer) in zip(texts, answers) {
                let schedule = try ScheduleText(text, isZone: TimeZones.has)
                let zone = try TimeZones.zone(schedule.zone, from: from).rules
                var time = from
                var expected: [String] = []
                for line in answer.split(separator: "\n") {
                    if let match = line.firstMatch(of: #/Normalized form: (.*)$/#) {
                        #expect(try ScheduleText.normal(text, isZone: TimeZones.has) == match.1, "\(text)")
                    } else if let match = line.firstMatch(of: #/(?:Next elapse|Iter. #\d+): \w+ (\S+) (\S+) UTC/#) {
                        expected.append("\(match.1)T\(match.2)Z")
                    }
                }
                var found: [String] = []
                while found.count < expected.count, let next = schedule.rule.next(after: time, in: zone) {
                    found.append(Timestamp.format(next * 1000))
                    time = next
                }
                #expect(found == expected, "\(text)")
            }
        }
    }
}
