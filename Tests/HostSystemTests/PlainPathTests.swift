import Glibc
import HostSystem
import HostTestKit
import HostValues
import Testing

/// Paths of which no part may be a link.
@Suite struct PlainPathTests {
    private let root = TestDirectory()
    private let base: String

    init() throws {
        base = try #require(HostProcess.resolved(root.path))
        _ = try root.directory().directory("folder", create: true)
        try root.write("folder/file", [1])
        for (name, target) in [("way", "folder"), ("folder/last", "file"), ("folder/lost", "none")] {
            try #require(unsafe symlink(target, base + "/" + name) == 0)
        }
    }

    /// Each path beneath the directory, and whether it is one without links.
    private static let paths = [
        ("/folder", true), ("/folder/file", true), ("/way/file", false), ("/folder/last", false),
        ("/folder/lost", false),
        ("/way", false), ("/none", false), ("/folder/file/x", false),
    ]

    @Test(arguments: paths) func `a place is opened exactly only where no part of its path is a link`(
        path: String, isPlain: Bool
    ) throws {
        #expect(try (Ruleset.Place(base + path, isExact: true) != nil) == isPlain)
        #expect((FileStatus.ofPlain(base + path) != nil) == isPlain)
        #expect(try (Ruleset.Place(base + path) != nil) == (HostProcess.resolved(base + path) != nil))
    }

    @Test func `what is found without links is what is there`() throws {
        let folder = try #require(FileStatus.ofPlain(base + "/folder"))
        let file = try #require(FileStatus.ofPlain(base + "/folder/file"))
        #expect(folder.kind == .directory && file.kind == .regular && file.size == 1)
        #expect(file.inode == FileStatus.of(base + "/way/file")?.inode)
    }

    /// Before Linux 5.6, and in a container whose filter does not know the call.
    @Test(arguments: [UInt8(38), 1]) func `where openat2 is refused the same places are opened exactly`(errno: UInt8)
        throws
    {
        let pipe = try DescriptorPair.pipe()
        let (end, base) = (pipe.second.raw, base)
        let filter = Self.filter(refusing: 437, with: errno)
        try HostSystem.Thread.start(name: "refused") {
            HostProcess.gainNoPrivileges()
            var answer: [UInt8] = []
            do {
                try Sandbox.apply(filter, ruleset: nil)
                answer.append(FileStatus.ofPlain(base + "/folder") == nil ? 1 : 0)
                for (path, isPlain) in Self.paths {
                    answer.append(try (Ruleset.Place(base + path, isExact: true) != nil) == isPlain ? 1 : 0)
                }
            } catch {
                answer = [0]
            }
            _ = unsafe answer.withUnsafeBytes { unsafe Glibc.write(end, $0.baseAddress, $0.count) }
        }
        var answer: [UInt8] = Array(repeating: 0, count: Self.paths.count + 1)
        let count = try unsafe answer.withUnsafeMutableBytes { try unsafe pipe.first.read(into: $0) }
        #expect(count == answer.count && answer.allSatisfy { $0 == 1 })
    }

    /// A policy of a filter alone: see CHostSystemSandbox.h.
    private static func filter(refusing call: UInt16, with errno: UInt8) -> [UInt8] {
        let (low, high) = (UInt8(call & 0xFF), UInt8(call >> 8))
        let head: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        return head + [0x20, 0, 0, 0, 0, 0, 0, 0]  // the call's number
            + [0x15, 0, 0, 1, low, high, 0, 0]  // goes to the last but one, or the last
            + [0x06, 0, 0, 0, errno, 0, 5, 0]  // fails
            + [0x06, 0, 0, 0, 0, 0, 0xFF, 0x7F]  // is allowed
    }
}
