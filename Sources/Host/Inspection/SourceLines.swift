public import HostSystem

/// Finds source files and lines for code addresses in an ELF file's DWARF data (`.debug_line`, versions 2 to 5).
///
/// The backtracer's report has lines too, but only for the frames that it finds, and it misses the caller of a function
/// without a frame pointer, as most of libc is. The content of the file is not trusted: invalid data yields no lines.
public enum SourceLines {
    /// The maximum size of a line table in bytes; that of a plugin with statically linked libraries can have several
    /// megabytes.
    private static let largestTable: UInt64 = 32 << 20

    /// For each offset in the loaded file a text such as `file.c:12`; nil if the file has no line for the offset.
    public static func places(at offsets: [UInt64], in file: borrowing Descriptor) -> [String?] {
        let none = offsets.map { _ -> String? in nil }
        guard let sections = DebugSections(file),
            let table = sections.bytes(".debug_line", most: largestTable, in: file)
        else { return none }
        var search = LineSearch(offsets)
        var reader = ByteReader(table)
        while !reader.isAtEnd, let unit = LineUnit(&reader) { unit.run(table, &search) }
        return search.found.map { found in
            guard let found, let name = found.unit.file(found.file, table, sections, file) else { return nil }
            return "\(name):\(found.line)"
        }
    }
}

/// The locations of the sections with debugging information.
private struct DebugSections {
    private var ranges: [String: (offset: UInt64, size: UInt64)] = [:]

    init?(_ file: borrowing Descriptor) {
        guard let header = Self.read(file, 0, 64), header.prefix(4) == [0x7F, 0x45, 0x4C, 0x46] else { return nil }
        var reader = ByteReader(header)
        reader.position = 40
        let start = reader.number(8)
        reader.position = 58
        let (entry, count, names) = (reader.number(2), Int(reader.number(2)), Int(reader.number(2)))
        guard entry == 64, count <= 1024, names < count, let table = Self.read(file, start, count * 64) else {
            return nil
        }
        func section(_ index: Int) -> (name: Int, flags: UInt64, offset: UInt64, size: UInt64) {
            var reader = ByteReader(table)
            reader.position = index * 64
            let name = Int(reader.number(4))
            _ = reader.number(4)
            let flags = reader.number(8)
            _ = reader.number(8)
            return (name, flags, reader.number(8), reader.number(8))
        }
        let strings = section(names)
        guard strings.size <= 1 << 20, let text = Self.read(file, strings.offset, Int(strings.size)) else { return nil }
        for index in 0..<count {
            let one = section(index)
            // Compressed sections (SHF_COMPRESSED) are not supported.
            guard one.name < text.count, one.flags & 0x800 == 0 else { continue }
            let name = String(decoding: text[one.name...].prefix { $0 != 0 }, as: UTF8.self)
            if name.hasPrefix(".debug_") { ranges[name] = (one.offset, one.size) }
        }
    }

    /// The bytes of a section; nil if there is no such section, or it is larger than `most`.
    func bytes(_ name: String, most: UInt64, in file: borrowing Descriptor) -> [UInt8]? {
        guard let range = ranges[name], range.size <= most else { return nil }
        return Self.read(file, range.offset, Int(range.size))
    }

    /// The NUL-terminated text at an offset of a section.
    func text(_ name: String, at offset: UInt64, in file: borrowing Descriptor) -> String? {
        guard let range = ranges[name], offset < range.size else { return nil }
        let count = Int(min(range.size - offset, 4096))
        guard let bytes = Self.read(file, range.offset &+ offset, count) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func read(_ file: borrowing Descriptor, _ offset: UInt64, _ count: Int) -> [UInt8]? {
        guard let offset = Int(exactly: offset), offset < Int.max - count,
            let bytes = try? file.read(count: count, at: offset, subject: "lines"), bytes.count == count
        else { return nil }
        return bytes
    }
}

/// Reads numbers from bytes. Reading past the end gives 0; `isAtEnd` then holds.
private struct ByteReader {
    private let bytes: [UInt8]
    var position = 0
    var end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    var isAtEnd: Bool { position >= end }

    mutating func byte() -> UInt8 {
        guard position >= 0, position < end else {
            position = end
            return 0
        }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads a little-endian number of `count` bytes.
    mutating func number(_ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(byte()) << UInt64(8 * index) }
        return value
    }

    /// Reads an unsigned number in LEB128 (ULEB128).
    mutating func unsigned() -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while !isAtEnd {
            let next = byte()
            if shift < 64 { value |= UInt64(next & 0x7F) << shift }
            shift += 7
            if next & 0x80 == 0 { break }
        }
        return value
    }

    /// Reads a signed number in LEB128 (SLEB128).
    mutating func signed() -> Int64 {
        var (value, shift, next): (Int64, Int64, UInt8) = (0, 0, 0x80)
        while next & 0x80 != 0, !isAtEnd {
            next = byte()
            if shift < 64 { value |= Int64(next & 0x7F) << shift }
            shift += 7
        }
        if shift < 64, next & 0x40 != 0 { value |= -1 << shift }
        return value
    }

    /// Reads the text up to the next NUL, and skips the NUL.
    mutating func text() -> String {
        let start = position
        while byte() != 0, !isAtEnd {}
        return String(decoding: bytes[start..<max(start, position)].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Skips `count` bytes.
    mutating func skip(_ count: UInt64) { position += Int(min(count, UInt64(max(0, end - position)))) }
}

/// The addresses to find, and the line-table rows found for them.
private struct LineSearch {
    struct Row {
        var address: UInt64 = 0
        var file: UInt64 = 1
        var line: Int64 = 1
    }

    let offsets: [UInt64]
    private(set) var found: [(unit: LineUnit, file: UInt64, line: Int64)?]

    init(_ offsets: [UInt64]) {
        self.offsets = offsets
        found = offsets.map { _ in nil }
    }

    /// A row is valid up to the address of the next one. Rows with line 0 belong to code without a source line.
    mutating func take(_ row: Row, upTo next: UInt64, of unit: LineUnit) {
        guard row.line > 0 else { return }
        for index in offsets.indices where row.address <= offsets[index] && offsets[index] < next {
            found[index] = (unit, row.file, row.line)
        }
    }
}

/// One unit of the line table: the files of a compilation, and the program that generates its rows.
private struct LineUnit {
    /// The fields of an entry in a version 5 file table.
    private typealias Format = [(content: UInt64, form: UInt64)]

    private let version: Int
    private let is64: Bool
    /// The positions of the file table, of the program, and of the unit's end.
    private let files: Int
    private let program: Int
    private let end: Int
    private let minimum: UInt64
    private let lineBase: Int64
    private let lineRange: UInt64
    private let lengths: [UInt8]

    /// Reads a unit's header and moves the reader to the next unit; nil if the header is invalid.
    init?(_ reader: inout ByteReader) {
        var length = reader.number(4)
        is64 = length == 0xFFFF_FFFF
        if is64 { length = reader.number(8) }
        guard length > 0, length <= UInt64(max(0, reader.end - reader.position)) else { return nil }
        end = reader.position + Int(length)
        var own = reader
        reader.position = end
        own.end = end
        version = Int(own.number(2))
        guard (2...5).contains(version) else { return nil }
        if version == 5 { _ = own.number(2) }
        let header = own.number(is64 ? 8 : 4)
        guard header <= UInt64(max(0, end - own.position)) else { return nil }
        program = own.position + Int(header)
        minimum = UInt64(own.byte())
        if version >= 4 { _ = own.byte() }
        _ = own.byte()
        lineBase = Int64(Int8(bitPattern: own.byte()))
        lineRange = UInt64(own.byte())
        let base = own.byte()
        guard base > 0, lineRange > 0 else { return nil }
        lengths = (0..<Int(base - 1)).map { _ in own.byte() }
        files = own.position
    }

    /// Runs the line-number program and passes its rows to the search.
    func run(_ table: [UInt8], _ search: inout LineSearch) {
        var reader = ByteReader(table)
        reader.position = program
        reader.end = end
        var row = LineSearch.Row()
        var last: LineSearch.Row?
        /// Sequences that the linker has discarded begin at address 0.
        var isReal = false
        let special = UInt64(lengths.count) + 1

        func emit(_ search: inout LineSearch) {
            if let last, isReal { search.take(last, upTo: row.address, of: self) }
            last = row
        }
        while !reader.isAtEnd {
            let code = UInt64(reader.byte())
            switch code {
            case special...:
                row.address &+= (code - special) / lineRange &* minimum
                row.line &+= lineBase &+ Int64((code - special) % lineRange)
                emit(&search)
            case 0:
                let size = reader.unsigned()
                let next = reader.position &+ Int(min(size, UInt64(max(0, end - reader.position))))
                switch reader.byte() {
                case 1:
                    emit(&search)
                    row = LineSearch.Row()
                    last = nil
                case 2:
                    row.address = reader.number(Int(min(8, max(1, size) - 1)))
                    isReal = row.address != 0
                default: break
                }
                reader.position = next
            case 1: emit(&search)
            case 2: row.address &+= reader.unsigned() &* minimum
            case 3: row.line &+= reader.signed()
            case 4: row.file = reader.unsigned()
            case 8: row.address &+= (255 - special) / lineRange &* minimum
            case 9: row.address &+= reader.number(2)
            default:
                // The header states how many operands follow an opcode that is unknown here.
                for _ in 0..<lengths[Int(code) - 1] { _ = reader.unsigned() }
            }
        }
    }

    /// The name of a file, without its directory.
    func file(_ number: UInt64, _ table: [UInt8], _ sections: DebugSections, _ file: borrowing Descriptor) -> String? {
        var reader = ByteReader(table)
        reader.position = files
        reader.end = min(program, end)
        let path = version == 5 ? newFile(number, &reader, sections, file) : oldFile(number, &reader)
        return path?.split(separator: "/").last.map { String($0) }
    }

    private func oldFile(_ number: UInt64, _ reader: inout ByteReader) -> String? {
        while !reader.isAtEnd, !reader.text().isEmpty {}
        var index: UInt64 = 1
        while !reader.isAtEnd {
            let name = reader.text()
            if name.isEmpty { return nil }
            if index == number { return name }
            for _ in 0..<3 { _ = reader.unsigned() }
            index += 1
        }
        return nil
    }

    private func newFile(
        _ number: UInt64, _ reader: inout ByteReader, _ sections: DebugSections, _ file: borrowing Descriptor
    ) -> String? {
        let directories = Self.format(&reader)
        var left = reader.unsigned()
        while left > 0, !directories.isEmpty, !reader.isAtEnd {
            for part in directories { _ = value(part.form, &reader, sections, file, isWanted: false) }
            left -= 1
        }
        let names = Self.format(&reader)
        guard number < reader.unsigned(), !names.isEmpty else { return nil }
        var index: UInt64 = 0
        while index <= number, !reader.isAtEnd {
            for part in names {
                let isWanted = index == number && part.content == 1
                let name = value(part.form, &reader, sections, file, isWanted: isWanted)
                if isWanted { return name }
            }
            index += 1
        }
        return nil
    }

    private static func format(_ reader: inout ByteReader) -> Format {
        let count = Int(reader.byte())
        return (0..<count).map { _ in (reader.unsigned(), reader.unsigned()) }
    }

    /// Skips a value of a form; returns it if it is a text and wanted.
    private func value(
        _ form: UInt64, _ reader: inout ByteReader, _ sections: DebugSections, _ file: borrowing Descriptor,
        isWanted: Bool
    ) -> String? {
        switch form {
        case 0x08: return reader.text()
        case 0x0E, 0x1F:
            let offset = reader.number(is64 ? 8 : 4)
            return isWanted ? sections.text(form == 0x0E ? ".debug_str" : ".debug_line_str", at: offset, in: file) : nil
        case 0x0B: reader.skip(1)
        case 0x05: reader.skip(2)
        case 0x06: reader.skip(4)
        case 0x07: reader.skip(8)
        case 0x1E: reader.skip(16)
        case 0x0F: _ = reader.unsigned()
        case 0x09: reader.skip(reader.unsigned())
        case 0x0A: reader.skip(UInt64(reader.byte()))
        case 0x03: reader.skip(reader.number(2))
        case 0x04: reader.skip(reader.number(4))
        default: reader.position = reader.end  // unknown: the rest of the unit cannot be decoded
        }
        return nil
    }
}
