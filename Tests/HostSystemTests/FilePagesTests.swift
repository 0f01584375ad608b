import HostSystem
import HostTestKit
import Testing

@Suite struct FilePagesTests {
    private let scratch = TestDirectory()

    private func write(_ bytes: [UInt8]) throws {
        let file = try scratch.directory().create("file")
        _ = unsafe try bytes.withUnsafeBytes { unsafe try file.write($0, subject: "file") }
    }

    /// The bytes of the file's pages; nil if there are no pages. `body` runs while they are mapped.
    private func pages(_ size: Int, _ body: () throws -> Void = {}) throws -> [UInt8]? {
        let file = try scratch.directory().openForReading("file")
        guard let pages = FilePages(file, size: size) else { return nil }
        try body()
        return unsafe [UInt8](pages.bytes)
    }

    private func canOverwrite() throws -> Bool {
        try scratch.directory().openForOverwriting(FileName("file")) { _, _ in true } ?? false
    }

    @Test func `they are the file's bytes, and the file counts as open until they are let go`() throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        try write(bytes)
        let seen = try pages(bytes.count) {
            let canOverwrite = try canOverwrite()
            #expect(!canOverwrite)
        }
        #expect(seen == bytes)
        #expect(try canOverwrite())
    }

    @Test func `a file that ends before is refused, where an access would end the process; and so is nothing`() throws {
        try write([UInt8](repeating: 1, count: 4096))
        #expect(try pages(8192) == nil)
        #expect(try pages(0) == nil)
        #expect(try pages(4096)?.count == 4096)
    }
}
