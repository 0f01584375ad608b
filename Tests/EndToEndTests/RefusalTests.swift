import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Files that are no plugins, beside one that is.
    @Suite struct Refusals {
        /// One bad file: how it is made, and what is said of it.
        struct Case: CustomTestStringConvertible, Sendable {
            let name: String
            let texts: [String]
            let make: @Sendable (_ path: String) async throws -> Void
            var testDescription: String { name }
            var file: String { name.split(separator: " ").joined(separator: "-") + ".so" }

            init(_ name: String, _ texts: String..., make: @escaping @Sendable (String) async throws -> Void) {
                self.name = name
                self.texts = texts
                self.make = make
            }

            /// A case of `bad_descriptor.c`.
            init(_ name: String, bad: String, _ texts: String...) {
                self.name = name
                self.texts = texts
                make = { path in
                    try await Fixtures.build("bad:\(bad)")
                    try Fixtures.copy("bad:\(bad)", to: path)
                }
            }
        }

        private static func write(_ bytes: [UInt8], to path: String) throws {
            try Data(bytes).write(to: URL(filePath: path))
        }

        static let cases = [
            Case("text", "not an ELF file") { try write(Array("#!/bin/sh\n".utf8), to: $0) },
            Case("empty", "an empty file") { try write([], to: $0) },
            Case("truncated", "truncated: ", "the file ends at 700") { path in
                try await Fixtures.build("healthy")
                try write(Array(try Fixtures.bytes("healthy").prefix(700)), to: path)
            },
            Case("other machine", "built for s390x, this machine is ") { path in
                try await Fixtures.build("healthy")
                var bytes = try Fixtures.bytes("healthy")
                bytes[18] = 22
                bytes[19] = 0
                try write(bytes, to: path)
            },
            Case("system library", "no .note.schedhost") { path in
                // The C library is on every machine; any other would do as well.
                let library = Processes.maps(of: HostProcess.pid).split(separator: "\n").first {
                    $0.contains("/libc.so.6")
                }
                let source = String(library?.split(separator: " ").last ?? "")
                try FileManager.default.copyItem(
                    atPath: source.isEmpty ? "" : URL(filePath: source).resolvingSymlinksInPath().path, toPath: path)
            },
            Case("wrong major", bad: "WRONG_MAJOR", "built for ABI 2, this host has 1"),
            Case("no note", bad: "NO_NOTE", "no .note.schedhost"),
            Case("unresolved symbol", bad: "UNRESOLVED", "no_such_function_anywhere"),
            Case("NULL name", bad: "NULL_NAME", "routines[0].name is NULL"),
            Case("duplicate routine", bad: "DUPLICATE_ROUTINE", "two routines named run"),
            Case("empty list", bad: "EMPTY_LIST", "routines is empty"),
            Case("small struct", bad: "SMALL_STRUCT", "struct_size is 8"),
            Case("pipe", "a pipe (FIFO)") { path in
                guard unsafe mkfifo(path, 0o600) == 0 else { throw Unmet(description: "mkfifo") }
            },
            Case("dangling link", "a link to a file that does not exist") { path in
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
            },
            Case("directory", "a directory") { path in
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            },
            Case("sparse", "not an ELF file") { path in
                try write([], to: path)
                guard unsafe truncate(path, 512 << 20) == 0 else { throw Unmet(description: "truncate") }
            },
            Case("too large", "larger than a plugin may be") { path in
                try write([], to: path)
                guard unsafe truncate(path, 1 << 30) == 0 else { throw Unmet(description: "truncate") }
            },
        ]

        @Test func `each says why in one line, and the good one runs`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            for wrong in Self.cases { try await wrong.make(scratch.plugins + "/" + wrong.file) }
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1), "\(host.log)")
            for wrong in Self.cases {
                let lines = host.lines("ERROR", scratch.plugins + "/" + wrong.file + ":")
                #expect(lines.count == 1, "\(wrong.name): \(lines)")
                for text in wrong.texts { #expect(lines.first?.contains(text) == true, "\(wrong.name): \(lines)") }
            }
            #expect(host.lines("ERROR").count == Self.cases.count)
            let records = try host.records
            #expect(records.map(\.identifier) == ["healthy/beat"])
            #expect(records.first?.reason.end == .maxCycles)
        }

        @Test(arguments: cases) func `check says the same, with status 1`(wrong: Case) async throws {
            let scratch = try Scratch()
            let path = scratch.plugins + "/" + wrong.file
            try await wrong.make(path)
            let check = try await Program.run("check", path, in: scratch)
            #expect(check.end == .exited(1), "\(check.output)\(check.errors)")
            let lines = check.output.split(separator: "\n")
            #expect(lines.count == 1)
            for text in wrong.texts { #expect(check.output.contains(text), "\(check.output)") }
        }

        @Test func `the name of another plugin`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy", as: "a.so")
            try scratch.add("healthy", as: "b.so")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1))
            #expect(host.lines("ERROR", "its name healthy is taken by").count == 1)
            #expect(try host.records.count == 1)
        }

        @Test func `a file that others can write, unless that is allowed`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            guard unsafe chmod(scratch.plugins + "/healthy.so", 0o666) == 0 else { throw Unmet(description: "chmod") }
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1))
            #expect(host.lines("ERROR", "healthy.so: unsafe").count == 1)
            #expect(try host.records.isEmpty)
            let lenient = try Host(
                "--max-cycles", "1", "--exit-when-idle", "--allow-unsafe-permissions", in: scratch)
            #expect(try await lenient.ended() == .exited(0))
            #expect(try lenient.records.count == 1)
        }

        @Test func `what is no plugin by its name is left alone`() async throws {
            let scratch = try Scratch()
            for name in ["README.md", ".hidden.so", "libx.so.1", "x.so~"] { try scratch.write("text", to: name) }
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            #expect(host.lines("ERROR").isEmpty, "\(host.log)")
        }
    }
}
