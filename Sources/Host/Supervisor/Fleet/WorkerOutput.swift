internal import HostValues

/// The lines that a worker wrote to standard error last, for the reason of its death.
struct LastWords {
    private static let most = 4
    private var lines: [(time: MonotonicTime, text: String)] = []
    /// What a sanitizer has found: the line with which its report begins, of which the last ones are addresses and frames.
    private var finding: (time: MonotonicTime, text: String)?
    private static let findings = [
        "ERROR: AddressSanitizer:", "WARNING: ThreadSanitizer:", "ERROR: LeakSanitizer:", " runtime error: ",
    ]

    mutating func add(_ text: String, at now: MonotonicTime) {
        let plain = text.drop { $0 == " " }.prefix(400)
        // Without the backtracer the Swift runtime prints a stack itself, which says less than the frame.
        let isFrame = plain.first?.isNumber == true && plain.contains(" 0x")
        // A backtracer that could not be started says no more than that.
        let isStack = isFrame || plain.hasPrefix("Current stack trace:") || plain == "failed ***"
        if plain.isEmpty || isStack { return }
        if Self.findings.contains(where: { plain.contains($0) }) { finding = finding ?? (now, String(plain)) }
        // At the end of the report in one line: what, and in which line of the source.
        if plain.hasPrefix("SUMMARY: ") { finding = (now, String(plain.dropFirst(9))) }
        if lines.count == Self.most { lines.removeFirst() }
        lines.append((now, String(plain)))
    }

    /// Those since a time, as one line.
    func text(since time: MonotonicTime) -> String {
        if let finding, finding.time >= time { return finding.text }
        return recent(since: time)
    }

    private func recent(since time: MonotonicTime) -> String {
        lines.filter { $0.time >= time }.map(\.text).joined(separator: "; ")
    }
}
