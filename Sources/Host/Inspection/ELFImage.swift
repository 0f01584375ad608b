internal import HostValues

/// Reads those parts of an ELF file that show whether it is a plugin, piece by piece; see elf(5).
///
/// No number in the file is trusted: offsets are checked against the size of the file, counts against fixed bounds, and
/// the bytes of all reads against a budget.
struct ELFImage {
    /// Reads `count` bytes at `offset`; may return fewer only at the end of the file.
    typealias Source = (_ offset: Int, _ count: Int) throws(Refusal.Reason) -> [UInt8]

    /// A program header.
    struct Segment {
        var type: UInt32
        var offset: UInt64
        var address: UInt64
        var fileSize: UInt64
        var memorySize: UInt64
        var alignment: UInt64
    }

    let size: Int
    private let source: Source
    /// The number of bytes that may still be read.
    private(set) var budget = 4 << 20
    private(set) var segments: [Segment] = []
    private(set) var sectionTable: (offset: UInt64, count: Int)?

    enum SegmentType {
        static let load: UInt32 = 1
        static let dynamic: UInt32 = 2
        static let note: UInt32 = 4
    }

    init(size: Int, source: @escaping Source) {
        self.size = size
        self.source = source
    }

    /// Reads `count` bytes that the file claims to contain.
    mutating func read(_ part: String, at offset: UInt64, count: Int) throws(Refusal.Reason) -> ELFBytes {
        let end = offset.clampedPlus(UInt64(max(0, count)))
        guard end <= UInt64(max(0, size)), let start = Int(exactly: offset) else {
            throw .truncated(part: part, end: end, size: size)
        }
        guard count <= budget else { throw .damaged("its tables are larger than those of any plugin") }
        budget -= count
        let bytes = try source(start, count)
        // The file may have been truncated since its size was determined.
        guard bytes.count == count else { throw .truncated(part: part, end: end, size: start + bytes.count) }
        return ELFBytes(bytes)
    }

    /// Reads the file header and the program headers, and checks that the file is complete and of the right kind.
    mutating func readHeaders() throws(Refusal.Reason) {
        if size == 0 { throw .empty }
        let identification = try read("the ELF identification", at: 0, count: min(16, size))
        guard identification.bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .notELF }
        guard size >= 16 else { throw .truncated(part: "the ELF header", end: 64, size: size) }
        let (fileClass, order) = (identification.bytes[4], identification.bytes[5])
        if fileClass == 2, order == 1, size < 64 { throw .truncated(part: "the ELF header", end: 64, size: size) }
        let header = try read("the ELF header", at: 0, count: min(64, size))
        try checkMachine(header, fileClass: fileClass, order: order)
        switch try header.half(16) {
        case 1: throw .notLibrary("an object file")
        case 2: throw .notLibrary("a program")
        case 3: break
        case 4: throw .notLibrary("a core dump")
        case let type: throw .damaged("an ELF file of the unknown type \(type)")
        }
        sectionTable = try sections(header)
        try readSegments(header)
    }

    private func checkMachine(_ header: ELFBytes, fileClass: UInt8, order: UInt8) throws(Refusal.Reason) {
        guard fileClass == 1 || fileClass == 2, order == 1 || order == 2 else {
            throw .damaged("an ELF file of unknown class or byte order")
        }
        let number = try header.half(18)
        let machine = order == 1 ? number : number.byteSwapped
        if fileClass == 2, order == 1, machine == Machine.own { return }
        var name = Machine.name(machine)
        if order == 2 { name += ", big-endian" }
        if fileClass == 1 { name += ", 32 bits" }
        throw .foreignMachine(name, ours: Machine.name(Machine.own))
    }

    private mutating func readSegments(_ header: ELFBytes) throws(Refusal.Reason) {
        let (offset, entry, count) = (try header.word(32), try header.half(54), Int(try header.half(56)))
        guard entry == 56, count > 0, count <= 512 else { throw .damaged("\(count) program headers of \(entry) bytes") }
        let table = try read("its program headers", at: offset, count: count * 56)
        for index in 0..<count {
            let at = index * 56
            let segment = Segment(
                type: try table.int(at), offset: try table.word(at + 8), address: try table.word(at + 16),
                fileSize: try table.word(at + 32), memorySize: try table.word(at + 40),
                alignment: try table.word(at + 48))
            if segment.type == SegmentType.load {
                let end = segment.offset.clampedPlus(segment.fileSize)
                guard end <= UInt64(size) else { throw .truncated(part: "segment \(index)", end: end, size: size) }
                guard segment.fileSize <= segment.memorySize else {
                    throw .damaged("segment \(index) is larger than its memory")
                }
            }
            segments.append(segment)
        }
    }

    /// The location of the section headers. They are only a fallback, so errors in them are ignored.
    private func sections(_ header: ELFBytes) throws(Refusal.Reason) -> (offset: UInt64, count: Int)? {
        let (offset, entry, count) = (try header.word(40), try header.half(58), Int(try header.half(60)))
        guard entry == 64, count > 0, count <= 1024 else { return nil }
        guard offset.clampedPlus(UInt64(count * 64)) <= UInt64(size) else { return nil }
        return (offset, count)
    }

    /// The file offset from which an address of the loaded image comes, and the number of bytes of its segment that
    /// follow it in the file; nil if the address is in no segment of the file.
    func place(of address: UInt64) -> (offset: UInt64, rest: UInt64)? {
        for segment in segments where segment.type == SegmentType.load && address >= segment.address {
            let distance = address - segment.address
            if distance < segment.fileSize { return (segment.offset + distance, segment.fileSize - distance) }
        }
        return nil
    }

    /// Reads bytes at an address of the loaded image.
    mutating func read(_ part: String, address: UInt64, count: Int) throws(Refusal.Reason) -> ELFBytes {
        guard let place = place(of: address), place.rest >= UInt64(max(0, count)) else {
            throw .damaged("\(part) lies outside of its segments")
        }
        return try read(part, at: place.offset, count: count)
    }
}

/// Bytes that hold little-endian numbers, with bounds checks at each access.
struct ELFBytes {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func number(_ offset: Int, _ count: Int) throws(Refusal.Reason) -> UInt64 {
        guard offset >= 0, offset <= bytes.count - count else { throw .damaged("a table is too short") }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        return value
    }

    /// Reads 16 bits.
    func half(_ offset: Int) throws(Refusal.Reason) -> UInt16 { UInt16(truncatingIfNeeded: try number(offset, 2)) }
    /// Reads 32 bits.
    func int(_ offset: Int) throws(Refusal.Reason) -> UInt32 { UInt32(truncatingIfNeeded: try number(offset, 4)) }
    /// Reads 64 bits.
    func word(_ offset: Int) throws(Refusal.Reason) -> UInt64 { try number(offset, 8) }
}

/// ELF machine numbers and their names.
enum Machine {
    #if arch(x86_64)
        static let own: UInt16 = 62
    #elseif arch(arm64)
        static let own: UInt16 = 183
    #endif

    static func name(_ number: UInt16) -> String {
        switch number {
        case 3: "i386"
        case 8: "mips"
        case 20: "ppc"
        case 21: "ppc64"
        case 22: "s390x"
        case 40: "arm"
        case 62: "x86_64"
        case 183: "aarch64"
        case 243: "riscv64"
        case 258: "loongarch64"
        default: "machine \(number)"
        }
    }
}
