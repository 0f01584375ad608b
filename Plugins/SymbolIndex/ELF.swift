internal import PluginAPI

/// The names that a shared library exports: defined, of global or weak binding and visible. elf(5).
///
/// Reads the section headers, the dynamic symbol table and its names, each read checked against the file's size. The
/// file's content is believed in nothing: a damaged file is an error, never a trap. Ends early with what the index has no
/// room for anyway, and with `Stopped` when the host asks to stop: a made-up file may have millions of symbols.
func exportedSymbols(of file: borrowing LibraryFile, _ scheduler: Scheduler) throws -> [String] {
    let header = try file.bytes(at: 0, count: 64)
    guard header[0..<4].elementsEqual([0x7f, 0x45, 0x4c, 0x46]) else { throw Failure("not ELF") }
    guard header[4] == 2, header[5] == 1 else { throw Failure("not 64 bits, little-endian") }
    guard header.number(at: 16, bytes: 2) == 3 else { throw Failure("not a shared object") }
    let sectionsAt = header.number(at: 40, bytes: 8)
    let sectionSize = header.number(at: 58, bytes: 2)
    let sectionCount = header.number(at: 60, bytes: 2)
    guard sectionSize == 64, sectionCount > 0 else { throw Failure("no section headers") }
    let sections = try file.bytes(at: sectionsAt, count: sectionCount * 64)
    for index in 0..<Int(sectionCount) where sections.number(at: index * 64 + 4, bytes: 4) == 11 {  // SHT_DYNSYM
        let link = sections.number(at: index * 64 + 40, bytes: 4)
        guard link < sectionCount else { throw Failure("the symbols' names are in no section") }
        let symbols = try file.section(sections, index)
        let names = try file.section(sections, Int(link))
        return try visibleNames(symbols, names, scheduler)
    }
    throw Failure("no dynamic symbols")
}

/// The longest name that is taken.
private let longestName = 65_536

private func visibleNames(_ symbols: [UInt8], _ names: [UInt8], _ scheduler: Scheduler) throws -> [String] {
    var found: Set<String> = []
    var size = 0
    for at in stride(from: 0, through: symbols.count - 24, by: 24) {
        if at / 24 % 2048 == 2047, scheduler.stopRequested { throw Stopped() }
        let binding = symbols[at + 4] >> 4
        let kind = symbols[at + 4] & 15
        let visibility = symbols[at + 5] & 3
        let isDefined = symbols.number(at: at + 6, bytes: 2) != 0
        // STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE; neither STT_SECTION nor STT_FILE; STV_DEFAULT or STV_PROTECTED
        guard isDefined, [1, 2, 10].contains(binding), kind != 3, kind != 4, visibility == 0 || visibility == 3 else {
            continue
        }
        let start = symbols.number(at: at, bytes: 4)
        guard start < names.count else { throw Failure("a symbol's name is outside of the names") }
        let rest = names[Int(start)...].prefix(longestName + 1)  // not to the end of all names, for each symbol
        guard let end = rest.firstIndex(of: 0) else {
            if rest.count > longestName { continue }
            throw Failure("a symbol's name does not end")
        }
        let name = rest[..<end]
        // Printable ASCII, which is what compilers write: the stored form relies on it.
        if !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
            found.insert(String(decoding: name, as: UTF8.self)).inserted
        {
            size += name.count
            if size > Index.largest { break }
        }
    }
    return found.sorted(by: precedes)
}

extension LibraryFile {
    /// The content of a section by its header.
    fileprivate func section(_ headers: [UInt8], _ index: Int) throws -> [UInt8] {
        guard headers.number(at: index * 64 + 4, bytes: 4) != 8 else { throw Failure("a section without content") }
        return try bytes(
            at: headers.number(at: index * 64 + 24, bytes: 8), count: headers.number(at: index * 64 + 32, bytes: 8))
    }
}

extension [UInt8] {
    /// A little-endian number. The caller has checked that the bytes are there.
    fileprivate func number(at offset: Int, bytes: Int) -> UInt64 {
        self[offset..<offset + bytes].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
