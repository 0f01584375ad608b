internal import HostSystem
internal import HostValues

/// The header of a cache file, which precedes the payload. All numbers are little-endian:
///
/// | offset | what | | offset | what |
/// |---|---|---|---|---|
/// | 0 | magic, 8 bytes | | 80 | payload bytes, u64 |
/// | 8 | version, u32 | | 88 | codec, u32 |
/// | 12 | bytes before the names, u32: 128 | | 92 | sizes of plugin, routine, name, key, build, u32 each |
/// | 16 | boot id, 16 bytes | | 112 | CRC-32C of the payload, u32 |
/// | 32 | produced: boot clock, then wall clock, i64 ns | | 116 | machine, u64; 0: unknown |
/// | 48 | load time, i64 ns | | 124 | CRC-32C of all bytes before, and of the names |
/// | 56 | generation, then loads, u64 | | 128 | plugin, routine, name, key, build; then the payload |
/// | 72 | expiry, i64 ns | | | |
///
/// From version 2 on, zeros behind the names make the payload begin at a multiple of 16: so it can be used where it lies.
public struct CacheFileHeader: Equatable, Sendable {
    /// When the value was made.
    public var produced: CacheStamp
    /// How long the load took, in ns.
    public var loadTime: Int64
    /// The value's generation, which grows with each load and put.
    public var generation: UInt64
    /// How often the source made this value, over all processes.
    public var loads: UInt64
    /// The age at which the value expires, in ns, as set by the cache that wrote it.
    public var expire: Int64
    /// The encoding of the payload, by the plugin's own numbering.
    public var codec: UInt32
    /// The id of the plugin that owns the value.
    public var plugin: String
    /// The routine's name.
    public var routine: String
    /// The cache's name.
    public var name: String
    /// The key; empty for the unkeyed value.
    public var key: [UInt8]
    /// The build id of the plugin that wrote the file.
    public var build: String
    /// The size of the payload in bytes.
    public var payloadSize: Int
    /// CRC-32C of the payload.
    public var payloadChecksum: UInt32

    static let magic: [UInt8] = [0x89, 0x53, 0x48, 0x43, 0x0d, 0x0a, 0x1a, 0x0a]  // "\x89SHC\r\n\x1a\n"
    static let version: UInt32 = 2
    /// The last version without zeros behind the names.
    private static let unalignedVersion: UInt32 = 1
    /// What the payload's offset in the file is a multiple of, so that bytes in place are aligned as those in memory are.
    static let alignment = ByteStorage.alignment
    static let fixedSize = 128
    /// No generation comes that far in a cache's life. What claims to have done so is damaged: after the highest number there
    /// would be none for the next value, which could not replace it.
    static let generationLimit: UInt64 = 1 << 63
    /// The offset of the header's checksum.
    private static let checked = 124
    /// The longest name, key or build id in bytes.
    static let longestText = 65_536

    /// The number of bytes that `encode` appends.
    var encodedSize: Int {
        Self.aligned(
            Self.fixedSize + plugin.utf8.count + routine.utf8.count + name.utf8.count + key.count + build.utf8.count)
    }

    private static func aligned(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }

    /// Appends the encoded header with its checksum to an empty buffer.
    func encode(to buffer: inout ByteWriter) {
        unsafe buffer.append(count: Self.fixedSize) { head in
            func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
                unsafe head.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
            }
            unsafe head.copyBytes(from: Self.magic)
            put(Self.version, at: 8)
            put(UInt32(Self.fixedSize), at: 12)
            put(produced.boot, at: 16)
            put(produced.bootTime.nanoseconds, at: 32)
            put(produced.wallTime.nanoseconds, at: 40)
            put(loadTime, at: 48)
            put(generation, at: 56)
            put(loads, at: 64)
            put(expire, at: 72)
            put(UInt64(payloadSize), at: 80)
            put(codec, at: 88)
            put(UInt32(truncatingIfNeeded: plugin.utf8.count), at: 92)
            put(UInt32(truncatingIfNeeded: routine.utf8.count), at: 96)
            put(UInt32(truncatingIfNeeded: name.utf8.count), at: 100)
            put(UInt32(truncatingIfNeeded: key.count), at: 104)
            put(UInt32(truncatingIfNeeded: build.utf8.count), at: 108)
            put(payloadChecksum, at: 112)
            put(produced.machine, at: 116)
            put(UInt32(0), at: Self.checked)
        }
        func put(_ text: String) {
            var text = text
            text.withUTF8 { unsafe buffer.append(UnsafeRawBufferPointer($0)) }
        }
        put(plugin)
        put(routine)
        put(name)
        unsafe key.withUnsafeBytes { unsafe buffer.append($0) }
        put(build)
        unsafe buffer.append(count: encodedSize - buffer.count) {
            unsafe $0.initializeMemory(as: UInt8.self, repeating: 0)
        }
        let head = unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<Self.checked]))
        let names = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[Self.fixedSize...])
        buffer.overwrite(at: Self.checked, unsafe Checksum.crc32c(names, after: head).littleEndian)
    }

    /// The size in bytes of the names and of what follows them up to the payload, according to the first 128 bytes of a file; nil if these are not a header.
    static func textSize(_ fixed: [UInt8]) -> Int? {
        guard fixed.count == fixedSize, Array(fixed[0..<8]) == magic else { return nil }
        let reader = Reader(bytes: fixed)
        let known = reader.number(8, UInt32.self)
        guard known == version || known == unalignedVersion, reader.number(12, UInt32.self) == UInt32(fixedSize) else {
            return nil
        }
        var sum = 0
        for index in 0..<5 {
            let size = Int(reader.number(92 + 4 * index, UInt32.self))
            if size > longestText { return nil }
            sum += size
        }
        return known == unalignedVersion ? sum : aligned(fixedSize + sum) - fixedSize
    }

    /// Decodes a header from a file's bytes up to its payload; nil if anything in it is invalid.
    init?(_ bytes: [UInt8]) {
        guard let textSize = Self.textSize(Array(bytes.prefix(Self.fixedSize))),
            bytes.count == Self.fixedSize + textSize
        else { return nil }
        let checksum = unsafe bytes.withUnsafeBytes { all in
            let head = unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[..<124]))
            return unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[Self.fixedSize...]), after: head)
        }
        let reader = Reader(bytes: bytes)
        guard reader.number(124, UInt32.self) == checksum,
            let payloadSize = Int(exactly: reader.number(80, UInt64.self)), payloadSize <= CacheWriter.limit,
            reader.number(56, UInt64.self) < Self.generationLimit
        else { return nil }
        var offset = Self.fixedSize
        let texts = (0..<5).map { index in
            let size = Int(reader.number(92 + 4 * index, UInt32.self))
            defer { offset += size }
            return bytes[offset..<offset + size]
        }
        produced = CacheStamp(
            machine: reader.number(116, UInt64.self), boot: reader.number(16, UInt128.self),
            bootTime: BootTime(nanoseconds: reader.number(32, Int64.self)),
            wallTime: WallTime(nanoseconds: reader.number(40, Int64.self)))
        loadTime = reader.number(48, Int64.self)
        generation = reader.number(56, UInt64.self)
        loads = reader.number(64, UInt64.self)
        expire = reader.number(72, Int64.self)
        self.payloadSize = payloadSize
        codec = reader.number(88, UInt32.self)
        plugin = String(decoding: texts[0], as: UTF8.self)
        routine = String(decoding: texts[1], as: UTF8.self)
        name = String(decoding: texts[2], as: UTF8.self)
        key = Array(texts[3])
        build = String(decoding: texts[4], as: UTF8.self)
        payloadChecksum = reader.number(112, UInt32.self)
    }

    init(
        produced: CacheStamp, loadTime: Int64, generation: UInt64, loads: UInt64, expire: Int64, codec: UInt32,
        plugin: String, routine: String, name: String, key: [UInt8], build: String, payloadSize: Int,
        payloadChecksum: UInt32
    ) {
        self.produced = produced
        self.loadTime = loadTime
        self.generation = generation
        self.loads = loads
        self.expire = expire
        self.codec = codec
        self.plugin = plugin
        self.routine = routine
        self.name = name
        self.key = key
        self.build = build
        self.payloadSize = payloadSize
        self.payloadChecksum = payloadChecksum
    }

    private struct Reader {
        let bytes: [UInt8]

        /// The number at an offset, which the caller has checked to be in range.
        func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
            var number: Number = 0
            unsafe withUnsafeMutableBytes(of: &number) { target in
                unsafe target.copyBytes(from: bytes[offset..<offset + MemoryLayout<Number>.size])
            }
            return Number(littleEndian: number)
        }
    }
}
