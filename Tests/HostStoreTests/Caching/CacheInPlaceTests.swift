import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// Large values are used where they lie in their files. On a real file system.
@Suite("Values in place")
struct CacheInPlaceTests {
    private static func cache(_ state: any CacheFolder, routine: String = "r") throws -> HostCache {
        try CacheNamespace(
            plugin: "p", routine: routine, budget: CacheBudget(), place: CachePlace(state, of: .state),
            environment: CacheEnvironment(clock: SystemClock())
        ).open("x", unsafe CacheOptions(expire: 1_000_000_000_000), isOnDisk: true).get()
    }

    /// How many files are mapped whose path contains `folder`, also those that have been removed since.
    private static func mapped(in folder: String) throws -> Int {
        let file = try Directory("/proc/self").openForReading("maps")
        var text: [UInt8] = []
        while true {
            let more = try file.read(count: 65_536, at: text.count, subject: "maps")
            if more.isEmpty { break }
            text += more
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").count { $0.contains("/p/\(folder)/") }
    }

    /// Puts a changed file in the place of the value's one; the folder that it is in.
    @discardableResult
    private static func rewrite(_ state: any CacheFolder, _ change: (inout [UInt8]) -> Void) throws -> any CacheFolder {
        let folder = try state.folder("cache", create: false).folder("v1", create: false)
            .folder("p", create: false).folder("r", create: false)
        let file = try folder.open("x.shc")
        var bytes = [UInt8](repeating: 0, count: try file.size())
        _ = unsafe try bytes.withUnsafeMutableBytes { unsafe try file.read(into: $0, at: 0) }
        try file.close()
        change(&bytes)
        try folder.remove("x.shc")
        let new = try folder.create(FileName("x.shc"))
        _ = unsafe try bytes.withUnsafeBytes { unsafe try new.write($0) }
        try new.close()
        return folder
    }

    @Test(
        "a value of 64 KiB or more is not copied, a smaller one is, and both begin at a multiple of 16",
        arguments: [65_535, 65_536, 65_552, 70_000, 100_000, 1_000_001])
    func size(_ size: Int) throws {
        try withScratch { state in
            // A name of its own, of each length that the names before the value may have.
            let name = "size\(size)" + String(repeating: "n", count: size % 16)
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try Self.cache(try state(), routine: name).put(bytes).get()
            let cache = try Self.cache(try state(), routine: name)
            let answer = try cache.peek().get()
            #expect(answer.value.array == bytes)
            let start = unsafe UInt(bitPattern: answer.value.bytes.baseAddress)
            #expect(start % 16 == 0)
            #expect(try Self.mapped(in: name) == (size < 65_536 ? 0 : 1))
        }
    }

    @Test(
        "whoever holds a value holds what it was, whatever is put, dropped and swept meanwhile; then the file is let go"
    )
    func held() throws {
        try withScratch { state in
            let size = 100_000
            let writer = try Self.cache(try state(), routine: "held")
            for number in 1...2 as ClosedRange<UInt8> {
                try writer.put([UInt8](repeating: number, count: size)).get()
            }
            do {
                let held = try Self.cache(try state(), routine: "held").peek().get()
                for number in 3...8 as ClosedRange<UInt8> {
                    try writer.put([UInt8](repeating: number, count: size)).get()
                }
                #expect(held.value.array == [UInt8](repeating: 2, count: size))
                try writer.invalidate().get()
                #expect(held.value.array == [UInt8](repeating: 2, count: size))
                #expect(try Self.mapped(in: "held") == 1)
            }
            #expect(try Self.mapped(in: "held") == 0)
            #expect(writer.counters().saveFailures == 0)
        }
    }

    @Test("a large value whose file is damaged or too short is set aside as a small one is", arguments: [true, false])
    func damaged(_ isShort: Bool) throws {
        try withScratch { state in
            let size = 100_000
            try Self.cache(try state()).put([UInt8](repeating: 1, count: size)).get()
            let folder = try Self.rewrite(try state()) { bytes in
                bytes[bytes.count - 1] ^= 1
                if isShort { bytes.removeLast(5000) }
            }
            let cache = try Self.cache(try state())
            #expect(cache.peek().error == .notFound)
            #expect(cache.counters().corrupt == 1)
            #expect(try folder.names().contains("x.shc.corrupt"))
        }
    }

    @Test("a file of the format before this one, whose value begins where its names end, is read as it is")
    func before() throws {
        try withScratch { state in
            let payload = [UInt8](repeating: 9, count: 70_000)
            try Self.cache(try state()).put(payload).get()
            try Self.rewrite(try state()) { bytes in
                // "p", "r", "x", no key and no build: 131 bytes, where the format of today has 144.
                bytes.removeSubrange(131..<144)
                bytes[8] = 1
                let sum = unsafe bytes.withUnsafeBytes { all in
                    let head = unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[..<124]))
                    return unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[128..<131]), after: head)
                }
                for index in 0..<4 { bytes[124 + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
            }
            let cache = try Self.cache(try state())
            #expect(cache.peek().bytes == payload)
            #expect(cache.counters().corrupt == 0)
        }
    }
}
