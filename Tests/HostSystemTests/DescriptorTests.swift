import Glibc
import HostSystem
import HostValues
import Testing

@Suite("Descriptor and Directory")
struct DescriptorTests {
    @Test("what is written is read, at any offset; past the end is nothing")
    func readWrite() throws {
        let file = try Descriptor.memory("test")
        try file.writeAll(Array(0..<200), subject: "test")
        #expect(try file.read(count: 10, at: 195, subject: "test") == [195, 196, 197, 198, 199])
        #expect(try file.read(count: 10, at: 200, subject: "test").isEmpty)
        #expect(try file.readAll(limit: 200, subject: "test").count == 200)
        let error = #expect(throws: SystemError.self) { try file.readAll(limit: 199, subject: "test") }
        #expect(error?.description == "test: File too large (read, at most 199 bytes)")
        try file.truncate(to: 65_536 * 2, subject: "test")
        #expect(try file.readAll(limit: 1 << 20, subject: "test").count == 65_536 * 2)
    }

    @Test("a descriptor is closed with its value, and on exec")
    func closing() throws {
        let number: Int32
        let inode: UInt64
        let open = try Directory("/proc/self/fd")
        do {
            let file = try Descriptor.memory("test")
            number = file.raw
            inode = try file.status(subject: "test").inode
            #expect(try open.status("\(number)", followLink: true).inode == inode)
            #expect(
                try String(decoding: flags(number), as: UTF8.self).contains("02100002"),
                "O_CLOEXEC, O_LARGEFILE and O_RDWR")
        }
        // Another test may have the number by now, with another file.
        #expect((try? open.status("\(number)", followLink: true).inode) != inode)
    }

    private func flags(_ number: Int32) throws -> [UInt8] {
        let info = try Directory("/proc/self/fdinfo").openForReading("\(number)")
        return unsafe [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = (try? unsafe info.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
    }

    @Test("a read that a signal interrupts goes on")
    func interrupted() throws {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }  // and no SA_RESTART
        unsafe sigaction(SIGUSR2, &action, nil)
        let pipe = try DescriptorPair.pipe()
        let reader = try pipe.first.duplicate()
        let thread = Monitor<UInt?>(nil)
        let result = Monitor<Int?>(nil)
        try Thread.start(name: "reader") {
            thread.withLock { $0 = Thread.current }
            thread.broadcast()
            var byte: UInt8 = 0
            let count = unsafe withUnsafeMutableBytes(of: &byte) { (try? unsafe reader.read(into: $0)) ?? -1 }
            result.withLock { $0 = count }
            result.broadcast()
        }
        let target = thread.wait { $0 }
        for _ in 0..<200 { pthread_kill(pthread_t(target), SIGUSR2) }
        #expect(result.withLock { $0 } == nil)
        try pipe.second.writeAll([7], subject: "pipe")
        #expect(result.wait { $0 } == 1)
    }

    @Test("names are sorted by bytes; links are not followed; a FIFO does not make an open wait")
    func directory() throws {
        let scratch = try Scratch()
        for name in ["b", "a", "B", "ä", "a0"] { _ = try scratch.directory.create(name) }
        #expect(try scratch.directory.names() == ["B", "a", "a0", "b", "ä"])
        #expect(throws: SystemError.self) { _ = try scratch.directory.create("a") }
        _ = unsafe symlink("a", scratch.directory.child("link"))
        #expect(throws: SystemError.self) { _ = try scratch.directory.openForReading("link") }
        _ = try scratch.directory.openForReading("link", followLink: true)
        #expect(try scratch.directory.status("link").kind == .link)
        _ = unsafe mkfifo(scratch.directory.child("pipe"), 0o600)
        _ = try scratch.directory.openForReading("pipe")
        #expect(try scratch.directory.status("pipe").kind == .pipe)
        try scratch.directory.rename("a", to: "b")
        let path = scratch.directory.child("a")
        let error = #expect(throws: SystemError.self) { _ = try scratch.directory.openForReading("a") }
        #expect(error?.isNotFound == true && error?.description.hasPrefix(path) == true)
    }

    @Test("make makes what is missing on the way, mode 0700; a file in the way is an error")
    func make() throws {
        let scratch = try Scratch()
        do {
            let path = scratch.directory.child("x")
            _ = try Directory.make(path)
            #expect(try scratch.directory.status("x").mode == 0o700)
            _ = try Directory.make(path)
        }
        _ = try scratch.directory.create("file")
        #expect(throws: SystemError.self) { _ = try Directory.make(scratch.directory.child("file/y")) }
    }

    @Test("a directory is made anew while it is empty, and stays when it is not; what a killed process left goes")
    func fresh() throws {
        let scratch = try Scratch()
        scratch.directory.spreadSubdirectories()
        _ = try scratch.directory.directory("x.left", create: true)
        let first = try scratch.directory.freshDirectory("x").descriptor.status(subject: "x").inode
        let second = try scratch.directory.freshDirectory("x")
        #expect(try scratch.directory.names() == ["x"])
        let inode = try scratch.directory.status("x").inode
        #expect(try second.descriptor.status(subject: "x").inode == inode && inode != first)
        #expect(try scratch.directory.status("x").mode == 0o700)
        _ = try second.create("file")
        let third = try scratch.directory.freshDirectory("x")
        #expect(try third.names() == ["file"] && scratch.directory.names() == ["x"])
        #expect(try scratch.directory.status("x").inode == inode)
        try third.remove("file")
    }

    @Test("a lock excludes other opens, and goes with its descriptor")
    func locks() throws {
        let scratch = try Scratch()
        let second = try scratch.directory.openForUpdate("lock")
        do {
            let first = try scratch.directory.openForUpdate("lock")
            let isFirst = try first.lockByte(at: 0, patience: 0, subject: "lock")
            let isSecond = try second.lockByte(at: 0, patience: 0, subject: "lock")
            #expect(isFirst && !isSecond)
        }
        let isSecond = try second.lockByte(at: 0, patience: 0, subject: "lock")
        #expect(isSecond)
    }
}
