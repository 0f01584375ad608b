public import HostSystem
public import HostValues

extension SessionStore {
    /// The file for incomplete lines.
    static let tornName = "sessions.torn"

    /// Repairs the end of the file, so that the next record begins on a line of its own.
    mutating func mend() throws(SystemError) {
        do throws(SystemError) { try directory.remove(Self.newName) } catch { if !error.isNotFound { throw error } }
        let status = try file.status(subject: path)
        size = status.size
        inode = status.inode
        // The directory entry of a new file must survive a power loss as well, as soon as there is a record in it. Before
        // that the first worker's start would wait for the disk.
        hasNewEntry = size == 0
        let start = try lastLineStart()
        guard start < size else { return }
        let count = min(size - start, SessionRecord.longestLine + 1)
        let tail = try file.read(count: count, at: start, subject: path)
        if (try? SessionRecord(line: tail)) != nil {
            // Only the line break is missing.
            try file.writeAll([UInt8(ascii: "\n")], subject: path)
            size += 1
        } else {
            try setAside(tail, of: size - start)
            try file.truncate(to: start, subject: path)
            size = start
        }
        if options.isSynchronized { try file.synchronize(subject: path) }
    }

    /// The offset after the last line break; equal to `size` if the file ends with one.
    private func lastLineStart() throws(SystemError) -> Int {
        var end = size
        while end > 0 {
            let start = max(0, end - 65_536)
            let block = try file.read(count: end - start, at: start, subject: path)
            if let newline = block.lastIndex(of: UInt8(ascii: "\n")) { return start + newline + 1 }
            end = start
        }
        return 0
    }

    /// Appends an incomplete line to `sessions.torn`, which is emptied first if it is over 1 MiB.
    private mutating func setAside(_ tail: [UInt8], of length: Int) throws(SystemError) {
        let torn = try directory.openForAppending(Self.tornName)
        let place = directory.child(Self.tornName)
        if try torn.status(subject: place).size > SessionRecord.longestLine { try torn.truncate(to: 0, subject: place) }
        try torn.writeAll(tail + [UInt8(ascii: "\n")], subject: place)
        warnings.append("\(path): the last line was torn (\(length) bytes without an end); it is now in \(place)")
    }

    /// Builds the index from the newest two files and the tally; reads all files only if the tally does not match them.
    mutating func buildIndex() throws(SystemError) {
        let previous = SessionFiles.older(1)
        let tally = try loadTally()
        var skipped = 0
        var entries: [SessionIndex.Entry] = []
        var isCovered = false

        // The ids of the previous file, and whether the tally was written at its end.
        var last: SessionID?
        skipped += try scan(previous) {
            last = $0.session; entries.append($0)
        }
        for entry in entries { index.remember(entry.session) }
        entries = []
        if let tally, last == tally.through { isCovered = true }

        skipped += try scan(SessionFiles.current) { entries.append($0) }
        lastSession = entries.last?.session
        for entry in entries { index.remember(entry.session) }
        index.merge(tally?.cycles ?? [:], ends: tally?.ends ?? [:])
        if isCovered || tally == nil && last == nil {
            for entry in entries { index.add(entry) }
        } else if tally == nil || lastSession != tally?.through {
            try rebuild()
        }
        if skipped > 0 {
            warnings.append("\(path): \(skipped) lines are no session records; they are left as they are")
        }
    }

    /// Makes `contains` right for these sessions, even if their records are in older files than the two that are read
    /// at opening. Reads further files only if some sessions are unknown, and only as far as necessary.
    public mutating func find(_ sessions: [SessionID]) throws(SystemError) {
        var missing = Set(sessions.filter { !index.contains($0) })
        if missing.isEmpty { return }
        var found: [SessionID] = []
        try SessionFiles.lines(directory, order: .newestFirst) { bytes, range, _ in
            if let entry = SessionIndex.Entry(bytes, in: range), missing.remove(entry.session) != nil {
                found.append(entry.session)
            }
            return !missing.isEmpty
        }
        for session in found { index.remember(session) }
    }

    /// Sums up all files; where the tally has a greater total for a routine, that one counts.
    private mutating func rebuild() throws(SystemError) {
        var sums = SessionIndex()
        try SessionFiles.lines(directory, order: .oldestFirst) { bytes, range, _ in
            if let entry = SessionIndex.Entry(bytes, in: range) { sums.add(entry) }
            return true
        }
        index.merge(sums.cycles, ends: sums.ends)
    }

    private func loadTally() throws(SystemError) -> SessionTally? {
        do throws(SystemError) {
            let file = try directory.openForReading(SessionTally.name)
            let place = directory.child(SessionTally.name)
            guard try file.status(subject: place).size <= SessionTally.limit else { return nil }
            return SessionTally(try file.readAll(limit: SessionTally.limit, subject: place))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Visits the entries of one file, oldest first; returns the number of lines that are not records.
    private func scan(_ name: String, _ visit: (SessionIndex.Entry) -> Void) throws(SystemError) -> Int {
        var skipped = 0
        do throws(SystemError) {
            let file = try directory.openForReading(name)
            let place = directory.child(name)
            let reader = LineReader(path: place, size: try file.status(subject: place).size)
            _ = try reader.forward(file) { bytes, range in
                if let entry = SessionIndex.Entry(bytes, in: range) { visit(entry) } else { skipped += 1 }
                return true
            }
        } catch {
            if !error.isNotFound { throw error }
        }
        return skipped
    }
}
