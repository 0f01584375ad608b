public import HostSystem

/// Finds function names for code addresses in an ELF file's symbol table; see elf(5).
///
/// The content of the file is not trusted: an invalid symbol table yields no names.
public enum FunctionNames {
    private static let longestName = 1024

    /// The symbol name of the function at an offset of the loaded file; nil if there is none. Reads the whole symbol
    /// table.
    public static func name(at offset: UInt64, in file: borrowing Descriptor) -> String? {
        names(at: [offset], in: file).first ?? nil
    }

    /// The names for several offsets, found in one pass.
    public static func names(at offsets: [UInt64], in file: borrowing Descriptor) -> [String?] {
        let none = offsets.map { _ -> String? in nil }
        guard let header = bytes(file, at: 0, count: 64), header.prefix(4) == [0x7F, 0x45, 0x4C, 0x46] else {
            return none
        }
        let (start, entry, count) = (word(header, 40), half(header, 58), Int(half(header, 60)))
        guard entry == 64, count <= 1024, let sections = bytes(file, at: start, count: count * 64) else { return none }
        // Prefers the full symbol table; a stripped file only has the dynamic one.
        for wanted: UInt32 in [2, 11] {
            for at in stride(from: 0, to: count * 64, by: 64) where int(sections, at + 4) == wanted {
                let link = Int(int(sections, at + 40))
                guard link < count else { continue }
                let table = (offset: word(sections, at + 24), size: word(sections, at + 32))
                let strings = (offset: word(sections, link * 64 + 24), size: word(sections, link * 64 + 32))
                let found = lookUp(offsets, in: file, table)
                return found.map { place in place.flatMap { name(file, strings, at: $0) } }
            }
        }
        return none
    }

    /// For each offset, where the name of its function is in the string table.
    private static func lookUp(
        _ offsets: [UInt64], in file: borrowing Descriptor, _ table: (offset: UInt64, size: UInt64)
    ) -> [UInt64?] {
        var found = offsets.map { _ -> UInt64? in nil }
        let chunk: UInt64 = 24 * 2048
        var at: UInt64 = 0
        let size = min(table.size, 24 << 20)
        while at < size {
            let count = min(chunk, size - at)
            let (place, overflow) = table.offset.addingReportingOverflow(at)
            guard !overflow, let symbols = bytes(file, at: place, count: Int(count)) else { return found }
            for symbol in stride(from: 0, to: symbols.count - symbols.count % 24, by: 24) {
                guard symbols[symbol + 4] & 15 == 2 else { continue }  // STT_FUNC
                let value = word(symbols, symbol + 8)
                let length = word(symbols, symbol + 16)
                for index in offsets.indices where offsets[index] >= value && offsets[index] - value < length {
                    found[index] = UInt64(int(symbols, symbol))
                }
            }
            at += count
        }
        return found
    }

    private static func name(_ file: borrowing Descriptor, _ strings: (offset: UInt64, size: UInt64), at place: UInt64)
        -> String?
    {
        guard place < strings.size else { return nil }
        let (start, overflow) = strings.offset.addingReportingOverflow(place)
        let count = Int(min(strings.size - place, UInt64(longestName)))
        guard !overflow, let text = bytes(file, at: start, count: count, isWhole: false) else { return nil }
        let name = text.prefix { $0 != 0 }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private static func bytes(_ file: borrowing Descriptor, at offset: UInt64, count: Int, isWhole: Bool = true)
        -> [UInt8]?
    {
        guard let offset = Int(exactly: offset), offset < Int.max - count,
            let bytes = try? file.read(count: count, at: offset, subject: "symbols"),
            !isWhole || bytes.count == count
        else { return nil }
        return bytes
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (offset..<offset + count).reversed() { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    private static func half(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: number(bytes, offset, 2))
    }
    private static func int(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number(bytes, offset, 4))
    }
    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 { number(bytes, offset, 8) }
}
