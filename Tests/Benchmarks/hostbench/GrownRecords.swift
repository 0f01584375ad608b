import Foundation

/// State directories with so many bytes of records, as hosts would have left them: files of 16 MiB, the newest of which is
/// `sessions.jsonl`, and the sums of the older ones, which save the next host from reading them.
///
/// A host keeps five such files. More are as if it had kept more: readers look at up to 99.
struct GrownRecords {
    private static let rotateAt = 16 << 20
    private let tools: Tools
    /// Of a real run. Each copy gets a session id of its own, in the order of their starts.
    private let lines: [Line]

    private struct Line {
        let routine: String
        let cycles: Int
        let end: String
        /// What follows the session's id.
        let rest: Data
    }

    init(_ tools: Tools) throws {
        self.tools = tools
        let host = try HostRun(
            tools, routines: 100, settings: ["wait_ms": 10, "max_cycles": 20],
            params: ["mode": "step", "period_us": 10_000, "samples": 20])
        try host.runToEnd()
        lines = try host.recordLines().split(separator: UInt8(ascii: "\n")).map { line in
            guard let record = try JSONSerialization.jsonObject(with: line) as? [String: Any],
                let routine = record["routine"] as? String, let cycles = record["cycles"] as? Int,
                let end = (record["reason"] as? [String: Any])?["kind"] as? String,
                line.starts(with: Self.head), line.count > Self.head.count + 13
            else { throw Trouble("a record is not as it was: \(String(decoding: line.prefix(100), as: UTF8.self))") }
            return Line(routine: routine, cycles: cycles, end: end, rest: Data(line.dropFirst(Self.head.count + 13)))
        }
        guard !lines.isEmpty else { throw Trouble("no records to copy") }
    }

    private static let head = Data(#"{"session":""#.utf8)

    /// The start of a host with that many bytes, with and without the sums, and what its command for records takes.
    func measure(_ bytes: Int) throws -> [String: Double] {
        let host = try HostRun(tools, settings: ["wait_ms": 3_600_000], params: ["mode": "mark"])
        try FileManager.default.createDirectory(
            atPath: host.state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try fill(host.state, bytes: bytes)
        let tally = host.state + "/sessions.tally"
        var figures: [String: Double] = [:]
        let isShort = bytes < 64 << 20
        // The sums first: the host may write them anew when it finds none.
        let with = try start(host, times: 3)
        (figures["start"], figures["host"]) = (with.ms, with.peak)
        // Without older files there are no sums.
        if FileManager.default.fileExists(atPath: tally) {
            try FileManager.default.removeItem(atPath: tally)
            let without = try start(host, times: 1)
            (figures["rebuilt"], figures["host-rebuilt"]) = (without.ms, without.peak)
        }
        let last = try command(host, ["--last", "10"], times: 3)
        (figures["last"], figures["command"]) = (last.ms, last.peak)
        figures["search"] = try command(host, ["--plugin", "none"], times: isShort ? 3 : 1).ms
        return figures
    }

    /// Until the first cycle, and what was in use at most until then: the medians.
    private func start(_ host: HostRun, times: Int) throws -> (ms: Double, peak: Double) {
        var all: (ms: [Double], peak: [Double]) = ([], [])
        for _ in 0..<times {
            try? FileManager.default.removeItem(atPath: host.trace)
            try host.start()
            try waitFor("the first cycle", seconds: 120, every: 0.002) { !host.times().isEmpty }
            let first = host.times()[0]
            all.ms.append((first - host.startedAt) * 1000)
            all.peak.append(Kernel.peakMemory(host.running.pid))
            try host.stop()
        }
        return (median(all.ms), median(all.peak))
    }

    private func command(_ host: HostRun, _ arguments: [String], times: Int) throws -> (ms: Double, peak: Double) {
        var all: (ms: [Double], peak: [Double]) = ([], [])
        let peak = "\(tools.place)/peak"
        for turn in 0...times {
            // The first one of them tells its memory, and is not timed.
            let begin = bootSeconds()
            let child = try Child(
                tools.host, ["records", "--state", host.state] + arguments,
                environment: turn == 0 ? ["LD_PRELOAD": "\(tools.built)/peak.so", "BENCH_PEAK": peak] : [:])
            let usage = child.wait()
            let passed = (bootSeconds() - begin) * 1000
            guard usage.status == 0 else { throw Trouble("records failed: \(usage.status)") }
            if turn == 0 {
                guard let kibibytes = Double(Kernel.text(peak).dropLast()) else { throw Trouble("no peak") }
                all.peak.append(kibibytes / 1024)
            } else {
                all.ms.append(passed)
            }
        }
        return (median(all.ms), median(all.peak))
    }

    private func fill(_ state: String, bytes: Int) throws {
        // Room for the record of the host that is measured, so that it does not begin a new file.
        let most = Self.rotateAt - 16_384
        let files = (bytes + most - 1) / most
        var sums = Sums()
        var number: UInt64 = 0
        let month: UInt64 = 30 * 86_400_000
        let begin = UInt64(Date().timeIntervalSince1970 * 1000) - month
        // Oldest first, so that the ids rise; the newest has what is left.
        for file in (0..<files).reversed() {
            let size = file == 0 ? bytes - (files - 1) * most : most
            var content = Data(capacity: size + 1024)
            var last: [UInt8] = []
            while content.count < size {
                let line = lines[Int(number) % lines.count]
                last = Self.text((begin + number) << 20)
                content += Self.head
                content += last
                content += line.rest
                content.append(UInt8(ascii: "\n"))
                if file > 0 { sums.add(line.routine, line.cycles, line.end) }
                number += 1
            }
            let name = file == 0 ? "sessions.jsonl" : "sessions.\(file).jsonl"
            try content.write(to: URL(fileURLWithPath: "\(state)/\(name)"))
            if file == 1 {
                try sums.content(through: String(decoding: last, as: UTF8.self)).write(
                    to: URL(fileURLWithPath: state + "/sessions.tally"))
            }
        }
    }

    /// What the host writes beside a file that it has just finished.
    private struct Sums {
        private var cycles: [String: Int] = [:]
        private var ends: [String: String] = [:]

        mutating func add(_ routine: String, _ count: Int, _ end: String) {
            cycles["bench/" + routine, default: 0] += count
            ends["bench/" + routine] = end
        }

        func content(through last: String) throws -> Data {
            try JSONSerialization.data(withJSONObject: ["through": last, "cycles": cycles, "ends": ends])
        }
    }

    /// A session's id as the host writes it: 13 digits of Crockford's base 32.
    private static func text(_ number: UInt64) -> [UInt8] {
        stride(from: 60, through: 0, by: -5).map { digits[Int(number >> UInt64($0) & 31)] }
    }

    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
}
