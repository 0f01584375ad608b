import FoundationEssentials
import Glibc
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

@testable import HostSupervisor

/// Lets a thread go on that waits at the other end of a pipe.
private func pass(by end: Int32) { _ = unsafe write(end, "x", 1) }

private func wait(at end: Int32) {
    var byte: UInt8 = 0
    _ = unsafe read(end, &byte, 1)
}

/// Folders that are given to another user, which only root can do: a few files at once, many beside the loop.
@Suite(.enabled(if: HostProcess.user == 0)) struct FileHandoverTests {
    private static let user: UInt32 = 2_100_000_123

    private func folder(with files: Int, in root: TestDirectory) throws -> Directory {
        try FileManager.default.createDirectory(atPath: root.path + "/folder", withIntermediateDirectories: false)
        let folder = try root.directory().directory("folder")
        for number in 0..<files { try Data().write(to: URL(filePath: folder.path + "/\(number)")) }
        return try folder.again()
    }

    private func owners(of folder: borrowing Directory) throws -> Set<UInt32> {
        Set(try folder.names().map { try folder.status($0).owner })
    }

    @Test func `a few files are given at once`() throws {
        let root = TestDirectory()
        let folder = try folder(with: 50, in: root)
        let handovers = FileHandovers { Issue.record("a thread was started") }
        #expect(try handovers.give(folder, to: Self.user) { $0 == 0 }.isEmpty)
        #expect(try owners(of: folder) == [Self.user])
        #expect(try folder.descriptor.status(subject: "folder").owner == Self.user)
    }

    @Test func `many are given on a thread, while others are not kept waiting, and the folder itself is last`() throws {
        let root = TestDirectory()
        let folder = try folder(with: 5000, in: root)
        try FileManager.default.linkItem(atPath: folder.path + "/7", toPath: root.path + "/other-name")
        let gate = try DescriptorPair.pipe()
        let news = try DescriptorPair.pipe()
        let (opened, done) = (gate.first.raw, news.second.raw)
        let asked = Mutex(0)
        let handovers = FileHandovers { pass(by: done) }
        // The thread waits at the gate, however quick the machine is.
        let caller = HostSystem.Thread.identifier()
        let accepts: @Sendable (UInt32) -> Bool = { owner in
            if HostSystem.Thread.identifier() != caller,
                asked.withLock({
                    $0 += 1; return $0 == 1
                })
            {
                wait(at: opened)
            }
            return owner == 0
        }
        for _ in 0..<3 {
            let error = #expect(throws: SystemError.self) {
                try handovers.give(folder, to: Self.user, accepts: accepts)
            }
            #expect(error?.isUnderWay == true && error?.isShortage == false)
            #expect(try owners(of: folder) == [0, Self.user])
            #expect(try folder.descriptor.status(subject: "folder").owner == 0)
        }
        pass(by: gate.second.raw)
        wait(at: news.first.raw)
        #expect(try handovers.give(folder, to: Self.user, accepts: accepts) == [folder.path + "/7"])
        #expect(try folder.descriptor.status(subject: "folder").owner == Self.user)
        #expect(try folder.names().filter { try folder.status($0).owner != Self.user } == ["7"])
    }
}
