internal import HostSystem
internal import HostValues

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

    /// Sums up all records: those that the tally covers by that, those after it by reading them. Reads all files only if the
    /// tally does not fit them.
    mutating func sumUp() throws(SystemError) {
        let tally = try loadTally()
        totals = tally.map { RecordTotals($0) } ?? RecordTotals()
        var skipped = 0
        if let start = try start(after: tally) {
            let reader = LineReader(path: path, start: start, size: size)
            let file = try directory.openForReading(SessionFiles.current)
            _ = try reader.forward(file) { bytes, range in
                if !totals.add(bytes, in: range) { skipped += 1 }
                return true
            }
            covered = start
            saveTallyNowAndThen()
        } else {
            skipped = try readAll()
            try? saveTally()
        }
        if skipped > 0 {
            warnings.append("\(path): \(skipped) lines are no session records; they are left as they are")
        }
    }

    /// Where in the newest file the records begin that the tally does not cover; nil if it fits none of the files.
    private func start(after tally: SessionTally?) throws(SystemError) -> Int? {
        guard let tally else {
            let names = try directory.names()
            return names.contains { SessionFiles.number(of: $0) != nil || $0 == RecordArchive.name } ? nil : 0
        }
        func isThrough(_ line: [UInt8]?) -> Bool {
            line.flatMap { RecordTotals.Entry($0, in: 0..<$0.count) }?.session == tally.through
        }
        if let covered = tally.size, (1...max(1, size)).contains(covered),
            isThrough(try lastLine(of: SessionFiles.current, before: covered))
        {
            return covered
        }
        return isThrough(try lastLine(of: SessionFiles.older(1))) ? 0 : nil
    }

    /// Sums up all files; where the tally has a greater total for a routine, that one counts. Returns the number of lines
    /// that are no records.
    private mutating func readAll() throws(SystemError) -> Int {
        var sums = RecordTotals()
        var skipped = 0
        try SessionFiles.lines(directory, order: .oldestFirst) { bytes, range, _ in
            if !sums.add(bytes, in: range) { skipped += 1 }
            return true
        }
        totals.merge(sums)
        return skipped
    }

    /// The last line of a file, or of so many of its bytes; nil if there is none.
    func lastLine(of name: String, before end: Int = .max) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try directory.openForReading(name)
            let place = directory.child(name)
            let size = min(end, try file.status(subject: place).size)
            var last: [UInt8]?
            _ = try LineReader(path: place, size: size, block: 16 << 10).backward(file) { bytes, range in
                last = Array(bytes[range])
                return false
            }
            return last
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
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
}
