import Testing

@testable import HostPolicy

/// What a plugin needs of its sandbox, found by watching it.
@Suite struct SandboxNeedsTests {
    @Test func `what is allowed already is not needed, and what lies beneath another path neither`() {
        var settings = SandboxSettings(level: .on)
        settings.write = ["/srv/out"]
        settings.bind = [80]
        settings.syscalls = ["chmod"]
        let allowed: [SandboxNeeds.Need] = [
            .write("/srv/out/a"), .write("/srv/out"), .write("/own/x"), .write("/dev/null"), .bind(80), .call("chmod"),
        ]
        #expect(SandboxNeeds(allowed, beside: settings, folders: ["/own"]).isEmpty)
        let needed: [SandboxNeeds.Need] = [
            .write("/srv/outer"), .write("/srv/outer/a"), .write("/a \"b\""), .bind(9100), .bind(81), .call("ptrace"),
            .unix("/run/s"),
        ]
        #expect(
            SandboxNeeds(allowed + needed, beside: settings, folders: ["/own"]).block == """
                sandbox: {
                    write: ["/a \\"b\\"", "/srv/outer"],
                    bind: [81, 9100],
                    unix: ["/run/s"],
                    syscalls: ["ptrace"],
                }
                """)
    }

    @Test func `who watches is asked where a sandbox refuses, and of what names a file to be written`() throws {
        let policy = SandboxPolicy(watching: SandboxSettings(level: .on))
        let machine = SeccompMachine(program: try #require(policy.filter))
        let ask = CallAnswer.ask.code
        let allow = CallAnswer.allow.code
        func number(_ name: String) throws -> UInt32 { try #require(SystemCall(name)).number }
        #expect(machine.answer(try number("ptrace"), []) == ask)
        #expect(machine.answer(try number("socket"), [1, 1, 0]) == allow)
        #expect(machine.answer(try number("socket"), [2, 1, 262]) == CallAnswer.fail(93).code)
        #expect(machine.answer(try number("clone3"), []) == CallAnswer.fail(38).code)
        #if arch(x86_64)
            let openat: UInt32 = 257
        #else
            let openat: UInt32 = 56
        #endif
        #expect(machine.answer(openat, [0, 0, 0]) == allow && machine.answer(openat, [0, 0, 0x80000]) == allow)
        #expect(machine.answer(openat, [0, 0, 1]) == ask && machine.answer(openat, [0, 0, 0x42]) == ask)
        #expect(WatchedCall(number: openat) == .open(folder: 0, path: 1, flags: .argument(2)))
        #expect(WatchedCall(number: try number("ptrace")) == .other(try #require(SystemCall("ptrace"))))
        #expect(WatchedCall(number: 0) == nil)
    }
}
