internal import HostValues

extension ELFImage {
    /// How dlsym(3) would find a symbol.
    enum Symbol {
        case function, data, undefined, absent
    }

    /// The tables that the dynamic section lists, as addresses in the loaded image.
    private struct Dynamic {
        var symbols: UInt64?
        var strings: UInt64?
        var stringsSize: UInt64 = 0
        var gnuHash: UInt64?
        var hash: UInt64?
        var runPath: UInt64?
        var oldRunPath: UInt64?
        var needed: [UInt64] = []
        var ownName: UInt64?
    }

    /// The maximum number of symbols of a hash chain that are examined.
    private static let longestChain = 4096

    /// Looks up a symbol in the table of exported symbols.
    mutating func lookUp(_ name: String) throws(Refusal.Reason) -> Symbol {
        let dynamic = try readDynamic()
        if let table = dynamic.gnuHash {
            return try lookUpGNU(name, table, dynamic)
        } else if let table = dynamic.hash {
            return try lookUpClassic(name, table, dynamic)
        }
        return .absent
    }

    /// The directories of DT_RUNPATH, or if that is absent of DT_RPATH; at most the first 4 KiB.
    mutating func runPath() throws(Refusal.Reason) -> [String] {
        let dynamic = try readDynamic()
        guard let offset = dynamic.runPath ?? dynamic.oldRunPath, let strings = dynamic.strings,
            offset < dynamic.stringsSize
        else { return [] }
        let count = Int(min(dynamic.stringsSize - offset, 4096))
        let text = try read("its string table", address: strings.clampedPlus(offset), count: count)
        return String(decoding: text.bytes.prefix { $0 != 0 }, as: UTF8.self).split(separator: ":").map { String($0) }
    }

    /// The libraries of DT_NEEDED that are plain file names.
    mutating func needed() throws(Refusal.Reason) -> [String] {
        let dynamic = try readDynamic()
        return try names(at: dynamic.needed.prefix(256), dynamic)
    }

    /// The name under which others are linked with the file, DT_SONAME; nil if there is none.
    mutating func ownName() throws(Refusal.Reason) -> String? {
        let dynamic = try readDynamic()
        return try names(at: [dynamic.ownName].compactMap { $0 }, dynamic).first
    }

    private mutating func names(at offsets: some Sequence<UInt64>, _ dynamic: Dynamic) throws(Refusal.Reason)
        -> [String]
    {
        guard let strings = dynamic.strings else { return [] }
        var names: [String] = []
        for offset in offsets where offset < dynamic.stringsSize {
            let count = Int(min(dynamic.stringsSize - offset, 256))
            let text = try read("its string table", address: strings.clampedPlus(offset), count: count)
            names.append(String(decoding: text.bytes.prefix { $0 != 0 }, as: UTF8.self))
        }
        return names.filter { !$0.isEmpty }
    }

    private mutating func readDynamic() throws(Refusal.Reason) -> Dynamic {
        guard let segment = segments.first(where: { $0.type == SegmentType.dynamic }) else {
            throw .notLibrary("a file without a dynamic section")
        }
        let table = try read(
            "its dynamic section", at: segment.offset, count: Int(min(segment.fileSize, 65_536)) / 16 * 16)
        var dynamic = Dynamic()
        for at in stride(from: 0, to: table.bytes.count, by: 16) {
            let value = try table.word(at + 8)
            switch try table.word(at) {
            case 0: return dynamic
            case 1: dynamic.needed.append(value)
            case 4: dynamic.hash = value
            case 5: dynamic.strings = value
            case 6: dynamic.symbols = value
            case 10: dynamic.stringsSize = value
            case 14: dynamic.ownName = value
            case 15: dynamic.oldRunPath = value
            case 29: dynamic.runPath = value
            case 0x6FFF_FEF5: dynamic.gnuHash = value
            case 0x6FFF_FFFB where value & 0x0800_0000 != 0: throw .notLibrary("a program (PIE)")
            default: break
            }
        }
        return dynamic
    }

    /// DT_GNU_HASH: the bucket of a hash has the first symbol of a chain; the last entry of the chain has its lowest
    /// bit set.
    private mutating func lookUpGNU(_ name: String, _ table: UInt64, _ dynamic: Dynamic) throws(Refusal.Reason)
        -> Symbol
    {
        let part = "its hash table"
        let header = try read(part, address: table, count: 16)
        let (buckets, first, blooms) = (try header.int(0), try header.int(4), try header.int(8))
        guard buckets > 0 else { return .absent }
        var hash: UInt32 = 5381
        for byte in name.utf8 { hash = hash &* 33 &+ UInt32(byte) }
        let bucketTable = table.clampedPlus(16 + UInt64(blooms) * 8)
        let bucket = bucketTable.clampedPlus(UInt64(hash % buckets) * 4)
        var index = try read(part, address: bucket, count: 4).int(0)
        guard index >= first else { return .absent }
        let chains = bucketTable.clampedPlus(UInt64(buckets) * 4)
        for _ in 0..<Self.longestChain {
            let entry = try read(part, address: chains.clampedPlus(UInt64(index - first) * 4), count: 4).int(0)
            if entry | 1 == hash | 1, let symbol = try symbol(index, named: name, dynamic) { return symbol }
            if entry & 1 == 1 || index == .max { return .absent }
            index += 1
        }
        throw .damaged("a chain of its hash table has no end")
    }

    /// DT_HASH: a bucket has the first symbol, and each symbol has the next one.
    private mutating func lookUpClassic(_ name: String, _ table: UInt64, _ dynamic: Dynamic) throws(Refusal.Reason)
        -> Symbol
    {
        let part = "its hash table"
        let header = try read(part, address: table, count: 8)
        let (buckets, chains) = (try header.int(0), try header.int(4))
        guard buckets > 0 else { return .absent }
        var hash: UInt32 = 0
        for byte in name.utf8 {
            hash = hash << 4 &+ UInt32(byte)
            let high = hash & 0xF000_0000
            hash = (hash ^ high >> 24) & ~high
        }
        var index = try read(part, address: table.clampedPlus(8 + UInt64(hash % buckets) * 4), count: 4).int(0)
        for _ in 0..<Self.longestChain {
            if index == 0 { return .absent }
            guard index < chains else { throw .damaged("its hash table names a symbol that does not exist") }
            if let symbol = try symbol(index, named: name, dynamic) { return symbol }
            let next = table.clampedPlus(8 + (UInt64(buckets) + UInt64(index)) * 4)
            index = try read(part, address: next, count: 4).int(0)
        }
        throw .damaged("a chain of its hash table has no end")
    }

    /// The symbol with that index, if it has that name and is visible to other files; otherwise nil.
    private mutating func symbol(_ index: UInt32, named name: String, _ dynamic: Dynamic) throws(Refusal.Reason)
        -> Symbol?
    {
        guard let symbols = dynamic.symbols, let strings = dynamic.strings else {
            throw .damaged("it has no symbol table")
        }
        let entry = try read("its symbol table", address: symbols.clampedPlus(UInt64(index) * 24), count: 24)
        let start = UInt64(try entry.int(0))
        let wanted = Array(name.utf8) + [0]
        guard start.clampedPlus(UInt64(wanted.count)) <= dynamic.stringsSize else { return nil }
        let text = try read("its string table", address: strings.clampedPlus(start), count: wanted.count)
        guard text.bytes == wanted else { return nil }
        let (information, other) = (entry.bytes[4], entry.bytes[5])
        // The binding must be global, weak or unique, the visibility default or protected.
        guard [1, 2, 10].contains(information >> 4), [0, 3].contains(other & 3) else { return nil }
        if try entry.half(6) == 0 { return .undefined }
        // These types are none, function and indirect function.
        return [0, 2, 10].contains(information & 15) ? .function : .data
    }
}
