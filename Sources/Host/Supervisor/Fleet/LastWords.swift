internal import HostValues

/// The last lines that a worker wrote to standard error, for the reason of its death.
struct LastWords {
    private static let most = 4
    private var lines: [(time: MonotonicTime, text: String)] = []
    /// A sanitizer's finding: the first line of its report, whose last lines are only addresses and frames.
    private var finding: (time: MonotonicTime, text: String)?
    private static let findings = [
        "ERROR: AddressSanitizer:", "WARNING: ThreadSanitizer:", "ERROR: LeakSanitizer:", " runtime error: ",
    ]

    mutating func add(_ text: String, at now: MonotonicTime) {
        let plain = text.drop { $0 == " " }.prefix(400)
        // Without the backtracer the Swift runtime prints a stack trace itself, which says less than the record's
        // frame.
        let isFrame = plain.first?.isNumber == true && plain.contains(" 0x")
        // A backtracer that could not be started prints no more than this.
        let isStack = isFrame || plain.hasPrefix("Current stack trace:") || plain == "failed ***"
        if plain.isEmpty || isStack { return }
        if Self.findings.contains(where: { plain.contains($0) }) { finding = finding ?? (now, String(plain)) }
        // The summary at the end of a sanitizer's report says in one line what happened, and in which source line.
        if plain.hasPrefix("SUMMARY: ") { finding = (now, String(plain.dropFirst(9))) }
        if lines.count == Self.most { lines.removeFirst() }
        lines.append((now, String(plain)))
    }

    /// The lines since a time, joined to one.
    func text(since time: MonotonicTime) -> String {
        if let finding, finding.time >= time { return finding.text }
        return recent(since: time)
    }

    private func recent(since time: MonotonicTime) -> String {
        lines.filter { $0.time >= time }.map(\.text).joined(separator: "; ")
    }
}
