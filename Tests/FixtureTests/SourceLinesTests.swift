import HostInspection
import HostSystem
import Testing

/// Lines of code from what a compiler wrote, and from what nobody would write.
@Suite struct SourceLinesTests {
    /// Two functions: `first` begins in line 1, `second` in line 4.
    private static let source = """
        int first(int number) {
            return number + 1;
        }
        int second(int number) {
            if (number > 2)
                return first(number) * 3;
            return number;
        }

        """

    /// Compiles the source with these flags, and hands its library over.
    private static func compiled(
        _ flags: String, by compiler: String = "cc", _ body: (borrowing Directory, String) throws -> Void
    ) throws {
        let path = try Directory.makeTemporary("schedhost-lines", in: "/tmp").path
        defer { _ = Fixtures.shell("rm -rf '\(path)'") }
        let directory = try Directory(path)
        try #require(Fixtures.shell("cat > '\(path)/lines.c' <<'END'\n\(source)END\n") == 0)
        try #require(
            Fixtures.shell("cd '\(path)' && \(compiler) -O0 -shared -fPIC \(flags) lines.c -o lines.so") == 0)
        try body(directory, "\(path)/lines.so")
    }

    /// The offset of each function in the file.
    private static func offsets(_ file: borrowing Descriptor) throws -> (first: UInt64, second: UInt64) {
        let all = (0x200..<0x2000).map { UInt64($0) }
        let names = FunctionNames.names(at: all, in: file)
        return (
            all[try #require(names.firstIndex(of: "first"))], all[try #require(names.firstIndex(of: "second"))]
        )
    }

    @Test(arguments: ["-g", "-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-gdwarf-5 -gdwarf64"])
    func `each version of the table gives file and line`(flags: String) throws {
        try Self.compiled(flags) { directory, _ in
            let file = try directory.openForReading("lines.so")
            let (first, second) = try Self.offsets(file)
            // The last byte of a function is its last line's.
            let places = SourceLines.places(at: [second, first, second - 1, first - 1], in: file)
            #expect(places[0] == "lines.c:4" && places[1] == "lines.c:1" && places[2] == "lines.c:3", "\(places)")
            #expect(places[3] == nil)
        }
    }

    @Test(arguments: ["-g0", "-g -s"])
    func `a file without lines gives none`(flags: String) throws {
        try Self.compiled(flags) { directory, _ in
            let file = try directory.openForReading("lines.so")
            #expect(SourceLines.places(at: [0x1100, 0x1110], in: file) == [nil, nil])
        }
    }

    @Test func `a file that holds anything gives no trap`() throws {
        try Self.compiled("-gdwarf-5") { directory, path in
            let size = try directory.openForReading("lines.so").readAll(limit: 1 << 20, subject: path).count
            var random = SystemRandomNumberGenerator()
            for _ in 0..<60 {
                // Beyond the headers, where the sections are; a changed header is another test's.
                let at = Int.random(in: 4096..<size, using: &random)
                let byte = Int.random(in: 0...255, using: &random)
                try #require(
                    Fixtures.shell(
                        "cd '\(directory.path)' && cp lines.so bad.so && printf '\\\(String(byte, radix: 8))' "
                            + "| dd of=bad.so bs=1 seek=\(at) conv=notrunc status=none") == 0)
                let file = try directory.openForReading("bad.so")
                _ = SourceLines.places(at: [0x1100, 0x1110, .max, 0], in: file)
            }
        }
    }
}
