import HostSystem
import HostValues
import Testing

/// Files of the program's own, which are replaced in one step.
struct SaveTests {
    private func text(_ name: String, in directory: borrowing Directory) throws -> String {
        String(decoding: try directory.openForReading(name).readAll(limit: 1 << 20, subject: name), as: UTF8.self)
    }

    @Test(arguments: [true, false])
    func `the file has the new content, and only its owner may read it`(isSynchronized: Bool) throws {
        let scratch = try Scratch()
        for word in ["one", "a longer two", ""] {
            try scratch.directory.save(Array(word.utf8), as: "f", isSynchronized: isSynchronized)
            #expect(try text("f", in: scratch.directory) == word)
            #expect(try scratch.directory.status("f").mode == 0o600 && scratch.directory.names() == ["f"])
        }
    }

    @Test func `what a crash has left is written over`() throws {
        let scratch = try Scratch()
        try scratch.directory.create("f.new").writeAll([1, 2, 3, 4, 5, 6, 7], subject: "f.new")
        try scratch.directory.save([65], as: "f")
        #expect(try text("f", in: scratch.directory) == "A" && scratch.directory.names() == ["f"])
    }

    @Test func `a failure leaves the old content`() throws {
        let scratch = try Scratch()
        try scratch.directory.save([65], as: "f")
        _ = try scratch.directory.directory("f.new", create: true)
        #expect(throws: SystemError.self) { try scratch.directory.save([66], as: "f") }
        #expect(try text("f", in: scratch.directory) == "A")
    }
}
