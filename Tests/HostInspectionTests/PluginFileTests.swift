import Glibc
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostInspection

/// Libraries that are compiled once, with cc(1), for all tests here.
enum Compiled {
    static let note = """
        #include "schedhost/abi.h"
        #ifndef MAJOR
        #define MAJOR 1
        #endif
        #ifndef NEEDS
        #define NEEDS 0
        #endif
        SCHEDHOST_NOTE static const schedhost_note note = {10u, 16u, 1u, "schedhost", MAJOR, 0, NEEDS, 1};

        """
    static let entry = "SCHEDHOST_EXPORT const void *schedhost_plugin_v1(void) { return 0; }\n"
    static let good = try? compile(note + entry)

    /// The bytes of what cc makes of a source with the ABI's headers.
    static func compile(_ source: String, _ flags: [String] = ["-shared", "-fPIC"]) throws -> [UInt8] {
        let scratch = TestDirectory()
        try scratch.write("a.c", Array(source.utf8))
        let include =
            #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Sources/PluginAPI/C/include"
        let command = "cd \(scratch.path) && cc -I '\(include)' \(flags.joined(separator: " ")) a.c -o a.so 2>err"
        guard unsafe system(command) == 0 else {
            throw Failed(text: String(decoding: try scratch.bytes("err"), as: UTF8.self))
        }
        return try scratch.bytes("a.so")
    }

    struct Failed: Error {
        let text: String
    }
}

struct PluginFileTests {
    let scratch = TestDirectory()

    private func refusal(_ name: String, allow: Bool = false, abi: PluginFile.ABI = .host) -> Refusal? {
        guard let directory = try? Directory(scratch.path) else { return nil }
        do throws(Refusal) {
            _ = try PluginFile.inspect(directory, name: name, allowUnsafePermissions: allow, abi: abi)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(of source: String, _ flags: [String] = ["-shared", "-fPIC"]) throws -> Refusal? {
        try scratch.write("x.so", try Compiled.compile(source, flags))
        return refusal("x.so")
    }

    @Test(arguments: ["", "-Wl,--hash-style=sysv", "-Wl,--hash-style=both", "-Wl,--build-id=none", "-s", "-g -O2"])
    func aPlugin(flags: String) throws {
        try scratch.write("x.so", try Compiled.compile(Compiled.note + Compiled.entry, ["-shared", "-fPIC", flags]))
        let plugin = try PluginFile.inspect(scratch.directory(), name: "x.so")
        #expect(plugin.name == "x.so" && plugin.language == .c)
        #expect(plugin.abiMajor == 1 && plugin.abiMinor == 0 && plugin.needsMinor == 0)
        let status = try scratch.directory().status("x.so")
        #expect(plugin.identity == .init(status))
        let digits = plugin.buildID.utf8.count
        #expect(flags.contains("none") ? digits == 16 : digits >= 16)
        #expect(plugin.buildID.allSatisfy(\.isHexDigit) == true)
    }

    @Test func manySymbolsShareTheHashTable() throws {
        let others = (0..<3000).map { "SCHEDHOST_EXPORT int f\($0)(void) { return 0; }" }.joined(separator: "\n")
        for style in ["gnu", "sysv"] {
            #expect(
                try refusal(
                    of: Compiled.note + Compiled.entry + others, ["-shared", "-fPIC", "-Wl,--hash-style=\(style)"])
                    == nil)
        }
    }

    @Test func aLinkToAPlugin() throws {
        try scratch.write("real", try #require(Compiled.good))
        unsafe symlink("real", scratch.path + "/x.so")
        #expect(refusal("x.so") == nil)
    }

    @Test func wrongABI() throws {
        let major = try refusal(of: "#define MAJOR 2\n" + Compiled.note + Compiled.entry)
        #expect(
            major?.description
                == "\(scratch.path)/x.so: built for ABI 2, this host has 1: rebuild it against this host's header")
        let minor = try refusal(of: "#define NEEDS 3\n" + Compiled.note + Compiled.entry)
        #expect(minor?.reason == .needsMinor(theirs: 3, ours: .host))
        #expect(refusal("x.so", abi: .init(major: 1, minor: 3)) == nil)
    }

    @Test func twoNotes() throws {
        let twice =
            "SCHEDHOST_NOTE static const schedhost_note again = {10u, 16u, 1u, \"schedhost\", 1, 0, NEEDS, 1};\n"
        #expect(try refusal(of: Compiled.note + Compiled.entry + twice) == nil)
        let other = twice.replacing("NEEDS", with: "7")
        #expect(try refusal(of: Compiled.note + Compiled.entry + other)?.description.contains("disagree") == true)
    }

    @Test func theEntryMustBeAnExportedFunction() throws {
        #expect(
            try refusal(of: Compiled.note + "int other(void) { return 0; }")?.reason == .noEntry("schedhost_plugin_v1"))
        #expect(
            try refusal(
                of: Compiled.note
                    + "__attribute__((visibility(\"hidden\"))) int schedhost_plugin_v1(void) { return 0; }")?
                .reason == .noEntry("schedhost_plugin_v1"))
        #expect(
            try refusal(of: Compiled.note + "int schedhost_plugin_v1 = 3;")?.reason
                == .entryIsData("schedhost_plugin_v1"))
        let used = Compiled.note + "int schedhost_plugin_v1(void); int f(void) { return schedhost_plugin_v1(); }"
        let sysv = try refusal(of: used, ["-shared", "-fPIC", "-Wl,--hash-style=sysv"])
        #expect(sysv?.reason == .entryUndefined("schedhost_plugin_v1"))
    }

    @Test func otherELFFiles() throws {
        #expect(
            try refusal(of: "int f(void) { return 0; }")?.description.contains(
                "has no .note.schedhost and is not a schedhost plugin") == true)
        #expect(try refusal(of: "int main(void) { return 0; }", ["-pie", "-fPIE"])?.reason == .noNote)
        #expect(
            try refusal(of: Compiled.note + "int main(void) { return 0; }", ["-pie", "-fPIE"])?.reason
                == .notLibrary("a program (PIE)"))
        #expect(try refusal(of: "int main(void) { return 0; }", ["-no-pie"])?.reason == .notLibrary("a program"))
        #expect(try refusal(of: "int f(void) { return 0; }", ["-c"])?.reason == .notLibrary("an object file"))
    }

    @Test(arguments: [(183, "aarch64"), (243, "riscv64"), (40, "arm"), (9999, "machine 9999")] as [(UInt16, String)])
    func anotherMachine(number: UInt16, name: String) throws {
        var bytes = try #require(Compiled.good)
        bytes[18] = UInt8(number & 255)
        bytes[19] = UInt8(number >> 8)
        if number == Machine.own { bytes[18] = 62 }
        try scratch.write("x.so", bytes)
        let text = refusal("x.so")?.description ?? ""
        #expect(text.contains("built for ") && text.contains("this machine is \(Machine.name(Machine.own))"))
        if number != Machine.own { #expect(text.contains(name)) }
        bytes[4] = 1
        try scratch.write("x.so", bytes)
        #expect(refusal("x.so")?.description.contains("32 bits") == true)
    }

    @Test func noELFFile() throws {
        try scratch.write("x.so", Array("INPUT(-lfoo)\n".utf8))
        #expect(refusal("x.so")?.reason == .notELF)
        try scratch.write("x.so", [])
        #expect(refusal("x.so")?.reason == .empty)
        #expect(refusal("none.so")?.description.contains("No such file") == true)
    }

    @Test func nothingButRegularFilesIsOpened() throws {
        let directory = try scratch.directory()
        unsafe mkfifo(scratch.path + "/pipe.so", 0o600)
        _ = try directory.directory("dir.so", create: true)
        unsafe symlink("nowhere", scratch.path + "/link.so")
        unsafe symlink("loop.so", scratch.path + "/loop.so")
        unsafe symlink("/dev/zero", scratch.path + "/device.so")
        #expect(refusal("pipe.so")?.reason == .notRegular(.pipe))
        #expect(refusal("dir.so")?.reason == .notRegular(.directory))
        #expect(refusal("link.so")?.reason == .danglingLink)
        #expect(refusal("device.so")?.reason == .notRegular(.device))
        #expect(refusal("loop.so")?.description.contains("symbolic links") == true)
        #expect(PluginFile.isCandidate("a.so") && !PluginFile.isCandidate(".a.so") && !PluginFile.isCandidate("a.so.1"))
    }

    @Test func permissions() throws {
        try scratch.write("x.so", try #require(Compiled.good))
        for mode in [0o660, 0o602, 0o777] as [mode_t] {
            unsafe chmod(scratch.path + "/x.so", mode)
            #expect(refusal("x.so")?.reason == .unsafeFile(.mode(UInt32(mode))))
            #expect(refusal("x.so", allow: true) == nil)
        }
        unsafe chmod(scratch.path + "/x.so", 0o755)
        #expect(refusal("x.so") == nil)
        unsafe chmod(scratch.path, 0o1777)
        #expect(refusal("x.so")?.reason == .unsafeDirectory(scratch.path, .mode(0o1777)))
        unsafe chmod(scratch.path, 0o700)
        if HostProcess.user == 0 {
            unsafe chown(scratch.path + "/x.so", 12_345, 0)
            #expect(refusal("x.so")?.reason == .unsafeFile(.owner(12_345)))
        }
    }

    // MARK: Any bytes

    /// Inspects bytes in memory; gives how many were read, and of what the file was refused.
    private static func inspect(_ bytes: [UInt8], size: Int? = nil) -> (volume: Int, reason: Refusal.Reason?) {
        var volume = 0
        var image = ELFImage(size: size ?? bytes.count) { (offset, count) throws(Refusal.Reason) in
            volume += count
            return offset < bytes.count ? Array(bytes[offset..<min(bytes.count, offset + count)]) : []
        }
        let identity = PluginFile.Identity(device: 1, inode: 2, size: bytes.count, modified: 3)
        do throws(Refusal.Reason) {
            _ = try PluginFile.inspect(&image, name: "x.so", identity: identity, abi: .host)
            return (volume, nil)
        } catch {
            return (volume, error)
        }
    }

    @Test func aGoodFileCostsLittle() throws {
        let result = Self.inspect(try #require(Compiled.good))
        #expect(result.reason == nil)
        #expect(result.volume < 4096)
    }

    @Test func aHugeSparseFileCostsNoMore() throws {
        try scratch.write("x.so", try #require(Compiled.good))
        let most = Candidate.mostBytes
        try scratch.directory().openForUpdate("x.so").truncate(to: most, subject: "x.so")
        #expect(refusal("x.so") == nil)
        try scratch.directory().openForUpdate("x.so").truncate(to: 0, subject: "x.so")
        try scratch.directory().openForUpdate("x.so").truncate(to: most, subject: "x.so")
        #expect(refusal("x.so")?.reason == .notELF)
    }

    /// Each hole in it would become bytes in its copy.
    @Test(arguments: [1, 1 << 30, 1 << 40]) func aFileThatIsTooLargeIsRefusedUnread(more: Int) throws {
        try scratch.write("x.so", try #require(Compiled.good))
        let size = Candidate.mostBytes + more
        try scratch.directory().openForUpdate("x.so").truncate(to: size, subject: "x.so")
        #expect(refusal("x.so")?.reason == .tooLarge(size))
    }

    @Test func everyTruncationIsNamed() throws {
        let good = try #require(Compiled.good)
        let whole = good.count
        for count in stride(from: 1, to: whole, by: 37) {
            guard let reason = Self.inspect(Array(good.prefix(count))).reason else {
                continue  // only section headers and symbols for debuggers are missing
            }
            switch reason {
            case .truncated, .notELF: break
            default: Issue.record("\(count) of \(whole) bytes: \(reason)")
            }
            if count >= 16 { #expect(reason.description.hasPrefix("truncated: ")) }
        }
        // The size is the whole, but the file was cut while it was looked at.
        for count in stride(from: 1, to: whole, by: 61) { _ = Self.inspect(Array(good.prefix(count)), size: whole) }
    }

    /// 10 000 damaged files: each is taken or refused, with bounded reading.
    @Test func damageNeverTraps() throws {
        let good = try #require(Compiled.good)
        var random = SplitMix(seed: 42)
        var refused = 0
        var most = 0
        for _ in 0..<10_000 {
            var bytes = good
            for _ in 0...random.below(6) {
                // Headers and tables are at the beginning; damage in code is of no interest.
                let place = random.below(random.below(3) > 0 ? min(2048, bytes.count) : bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] ^= 1 << UInt8(random.below(8))
                case 2: for index in place..<min(place + 8, bytes.count) { bytes[index] = 0xFF }
                default: if random.below(8) == 0 { bytes.removeSubrange(max(1, place)...) }
                }
            }
            let result = Self.inspect(bytes)
            if let reason = result.reason {
                refused += 1
                #expect(!reason.description.contains("\n"))
            }
            most = max(most, result.volume)
        }
        #expect(refused > 1000 && refused < 10_000)
        #expect(most <= 4 << 20)
    }
}
