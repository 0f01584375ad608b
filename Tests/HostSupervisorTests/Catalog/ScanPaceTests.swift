import HostValues
import Testing

@testable import HostSupervisor

/// How often a file is scanned that somebody touches all the time.
@Suite struct ScanPaceTests {
    private static func file(size: Int = 60 << 20, inode: UInt64 = 7, modified: Int64 = 0) -> FileStatus {
        FileStatus(
            kind: .regular, size: size, mode: 0o644, owner: 0, device: 1, inode: inode,
            modified: WallTime(nanoseconds: modified), links: 1, changed: WallTime(nanoseconds: modified))
    }

    @Test func `the same file with the same size rests for twenty times its last scan, another one does not`() {
        var pace = ScanPace()
        func time(_ ms: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: ms * 1_000_000) }
        #expect(pace.opens("a", Self.file(), at: time(0)) == nil, "it was never scanned")
        pace.note("a", Self.file(), from: time(0), to: time(50))
        #expect(pace.opens("a", Self.file(modified: 9), at: time(60)) == time(1050))
        #expect(pace.opens("a", Self.file(modified: 9), at: time(1050)) == nil)
        #expect(pace.opens("a", Self.file(size: 8, modified: 9), at: time(60)) == nil, "written anew")
        #expect(pace.opens("a", Self.file(inode: 8), at: time(60)) == nil, "replaced")
        #expect(pace.opens("b", Self.file(), at: time(60)) == nil)
        pace.note("a", Self.file(), from: time(0), to: time(60_000))
        #expect(pace.opens("a", Self.file(), at: time(60_001)) == time(70_000), "at most 10 s")
        pace.note("a", nil, from: time(0), to: time(50))
        #expect(pace.opens("a", Self.file(), at: time(60)) == nil, "it was gone")
    }
}
