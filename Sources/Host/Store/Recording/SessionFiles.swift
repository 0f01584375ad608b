public import HostSystem
public import HostValues

/// The record files of a state directory: `sessions.jsonl`, the older `sessions.1.jsonl` and so on, and what was kept of those
/// that have gone.
///
/// Reading needs no lock and works while a host writes and rotates: all files are opened first, and a file that was
/// moved meanwhile is read once. Memory use is bounded by the longest line, whatever the size of the files.
public enum SessionFiles {
    /// The order in which records are visited.
    public enum Order: Sendable {
        case oldestFirst, newestFirst
    }

    /// What a reading skipped.
    public struct Outcome: Equatable, Sendable {
        /// The number of non-empty lines that are not valid records.
        public internal(set) var skipped = 0
        /// The first of these: the file, and what is wrong with the line.
        public internal(set) var firstFault: String?
    }

    /// The newest file, to which records are appended.
    public static let current = "sessions.jsonl"

    /// The name of an older file; number 1 is the newest of them.
    public static func older(_ number: Int) -> String { "sessions.\(number).jsonl" }

    /// The highest number of an older file that readers consider.
    public static let mostOlder = 99

    /// Visits the records until `visit` returns false; of records that are not among `texts` it may leave out any. It is no
    /// error if there are no files.
    public static func read(
        _ directory: borrowing Directory, order: Order, among texts: RecordTexts = RecordTexts(),
        _ visit: (SessionRecord) -> Bool
    ) throws(SystemError) -> Outcome {
        var outcome = Outcome()
        try lines(directory, order: order) { bytes, range, path in
            if !texts.mayBe(in: bytes, range) { return true }
            do throws(SessionRecord.Malformed) {
                return visit(try SessionRecord(bytes, in: range))
            } catch {
                outcome.skipped += 1
                if outcome.firstFault == nil { outcome.firstFault = "\(path): \(error)" }
                return true
            }
        }
        return outcome
    }

    /// The newest `count` records that match, in order, oldest first. Those that are not among `texts` must not match.
    public static func last(
        _ count: Int, in directory: borrowing Directory, among texts: RecordTexts = RecordTexts(),
        where matches: (SessionRecord) -> Bool = { _ in true }
    ) throws(SystemError) -> (records: [SessionRecord], outcome: Outcome) {
        var records: [SessionRecord] = []
        guard count > 0 else { return ([], Outcome()) }
        let outcome = try read(directory, order: .newestFirst, among: texts) { record in
            if matches(record) { records.append(record) }
            return records.count < count
        }
        return (records.reversed(), outcome)
    }

    /// Visits the lines of all files.
    static func lines(
        _ directory: borrowing Directory, order: Order, _ visit: ([UInt8], Range<Int>, String) -> Bool
    ) throws(SystemError) {
        var files = try open(directory)
        if order == .oldestFirst { files.reverse() }
        for file in files {
            let reader = LineReader(path: file.path, size: file.size)
            let goOn =
                switch order {
                case .oldestFirst: try reader.forward(file.descriptor) { visit($0, $1, file.path) }
                case .newestFirst: try reader.backward(file.descriptor) { visit($0, $1, file.path) }
                }
            if !goOn { return }
        }
    }

    private final class File {
        let descriptor: Descriptor
        let path: String
        let size: Int

        init(_ descriptor: consuming Descriptor, path: String, size: Int) {
            self.descriptor = descriptor
            self.path = path
            self.size = size
        }
    }

    /// Opens all files, newest first; missing numbers are skipped.
    private static func open(_ directory: borrowing Directory) throws(SystemError) -> [File] {
        var files: [File] = []
        var seen: [UInt64] = []
        let numbers = try directory.names().compactMap { number(of: $0) }.sorted()
        let names = [current] + numbers.filter { $0 <= mostOlder }.map(older) + [RecordArchive.name]
        for name in names {
            do throws(SystemError) {
                let descriptor = try directory.openForReading(name)
                let status = try descriptor.status(subject: directory.child(name))
                if status.kind != .regular || seen.contains(status.inode) { continue }
                seen.append(status.inode)
                files.append(File(descriptor, path: directory.child(name), size: status.size))
            } catch {
                if !error.isNotFound { throw error }
            }
        }
        return files
    }

    /// The number in `sessions.N.jsonl`; nil for any other name.
    static func number(of name: String) -> Int? {
        guard name.hasPrefix("sessions."), name.hasSuffix(".jsonl") else { return nil }
        let middle = name.dropFirst(9).dropLast(6)
        guard let number = Int(middle), number > 0, older(number) == name else { return nil }
        return number
    }
}

/// Reads the lines of a file in either direction, block by block. A line that is too long for a record is delivered
/// cut, as one range of more than `SessionRecord.longestLine` bytes.
struct LineReader {
    /// The file's path, for messages.
    let path: String
    /// Where to begin: at the beginning of a line. Only `forward` does.
    var start = 0
    /// Where to end; the file may have grown since.
    let size: Int
    /// The block size in bytes.
    var block = 256 << 10

    private static let newline = UInt8(ascii: "\n")

    /// Visits the lines from first to last; returns false if `visit` stopped it.
    func forward(_ file: borrowing Descriptor, _ visit: ([UInt8], Range<Int>) -> Bool) throws(SystemError) -> Bool {
        var offset = start
        var buffer: [UInt8] = []
        var isCut = false
        while offset < size {
            let searched = buffer.count
            let chunk = try file.read(count: min(block, size - offset), at: offset, subject: path)
            if chunk.isEmpty { break }
            offset += chunk.count
            if searched == 0 { buffer = chunk } else { buffer += chunk }
            var start = 0
            var from = searched
            while let end = ByteSearch.first(Self.newline, in: buffer, from..<buffer.count) {
                if !isCut, end > start, !visit(buffer, start..<end) { return false }
                isCut = false
                start = end + 1
                from = start
            }
            if isCut { start = buffer.count }
            buffer.removeFirst(start)
            if buffer.count > SessionRecord.longestLine {
                if !visit(buffer, 0..<buffer.count) { return false }
                buffer = []
                isCut = true
            }
        }
        return isCut || buffer.isEmpty || visit(buffer, 0..<buffer.count)
    }

    /// Visits the lines from last to first; returns false if `visit` stopped it.
    func backward(_ file: borrowing Descriptor, _ visit: ([UInt8], Range<Int>) -> Bool) throws(SystemError) -> Bool {
        var offset = size
        var rest: [UInt8] = []  // the end of a line whose beginning has not been read yet
        var isCut = false
        while offset > 0 {
            let count = min(block, offset)
            offset -= count
            let chunk = try file.read(count: count, at: offset, subject: path)
            var end = chunk.count + rest.count
            var from = chunk.count
            let buffer = chunk + rest
            while let newline = ByteSearch.last(Self.newline, in: buffer, 0..<from) {
                if !isCut, newline + 1 < end, !visit(buffer, newline + 1..<end) { return false }
                isCut = false
                end = newline
                from = newline
            }
            rest = isCut ? [] : Array(buffer[..<end])
            if rest.count > SessionRecord.longestLine {
                if !visit(rest, 0..<rest.count) { return false }
                rest = []
                isCut = true
            }
        }
        return isCut || rest.isEmpty || visit(rest, 0..<rest.count)
    }
}
