import FoundationEssentials
import Glibc
import HostSystem
import HostTestKit
import Testing

@testable import HostSupervisor

/// The disk space that is kept for records.
@Suite struct DiskReserveTests {
    private let folder = TestDirectory()
    private static let large = DiskSpace(total: 1 << 40, free: 1 << 39)

    private func reserve(_ space: DiskSpace?) throws -> DiskReserve {
        let reserve = DiskReserve(in: try Directory(folder.path), space: { _ in space })
        reserve.restore()
        return reserve
    }

    /// The disk space of the file in bytes; nil if it does not exist.
    private var bytes: Int? {
        var status = stat()
        return unsafe stat(folder.path + "/reserve", &status) == 0 ? Int(status.st_blocks) * 512 : nil
    }

    @Test func `it has disk space, is given up once, and is created again`() throws {
        let reserve = try reserve(Self.large)
        #expect(reserve.isThere && bytes ?? 0 >= DiskReserve.size)
        #expect(reserve.giveUp() && bytes == nil && !reserve.giveUp())
        reserve.restore()
        #expect(reserve.isThere && bytes ?? 0 >= DiskReserve.size)
    }

    @Test func `nothing is reserved before that is wanted, and what is there counts at once`() throws {
        let first = DiskReserve(in: try Directory(folder.path), space: { _ in Self.large })
        #expect(!first.isThere && bytes == nil)
        first.restore()
        #expect(DiskReserve(in: try Directory(folder.path), space: { _ in nil }).isThere)
    }

    @Test func `what the previous host has left is used, and half of it is completed`() throws {
        _ = try reserve(Self.large)
        #expect(try reserve(DiskSpace(total: 1 << 40, free: 0)).isThere, "the disk is full, and the file exists")
        #expect(unsafe truncate(folder.path + "/reserve", 1 << 20) == 0)
        #expect(try reserve(Self.large).isThere && bytes ?? 0 >= DiskReserve.size)
    }

    @Test(arguments: [
        DiskSpace(total: 63 << 20, free: 60 << 20), DiskSpace(total: 1 << 40, free: 15 << 20), nil,
    ])
    func `a small disk, and one that is nearly full, has none`(space: DiskSpace?) throws {
        let reserve = try reserve(space)
        #expect(!reserve.isThere && bytes == nil && !reserve.giveUp())
    }
}
