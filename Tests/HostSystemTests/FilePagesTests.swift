import HostSystem
import HostTestKit
import Testing

@Suite struct FilePagesTests {
    private static func write(_ bytes: [UInt8], in folder: borrowing Directory) throws {
        var file = try folder.create("file")
        _ = unsafe try bytes.withUnsafeBytes { unsafe try file.write($0, subject: "file") }
        file = try folder.openForReading("file")
    }

    @Test func `they are the file's bytes, and the file counts as open until they are let go`() throws {
        let scratch = TestDirectory()
        let folder = try scratch.directory()
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        try Self.write(bytes, in: folder)
        do {
            let pages = try #require(try FilePages(folder.openForReading("file"), size: bytes.count))
            #expect(unsafe pages.bytes.elementsEqual(bytes))
            #expect(folder.openForOverwriting(FileName("file")) == nil)
        }
        #expect(folder.openForOverwriting(FileName("file")) != nil)
    }

    @Test func `a file that ends before is refused, where an access would end the process; and so is nothing`() throws {
        let scratch = TestDirectory()
        let folder = try scratch.directory()
        try Self.write([UInt8](repeating: 1, count: 4096), in: folder)
        #expect(try FilePages(folder.openForReading("file"), size: 8192) == nil)
        #expect(try FilePages(folder.openForReading("file"), size: 0) == nil)
        #expect(try FilePages(folder.openForReading("file"), size: 4096) != nil)
    }
}
