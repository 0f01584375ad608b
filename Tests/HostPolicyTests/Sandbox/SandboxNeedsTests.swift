import HostValues
import Testing

@testable import HostPolicy

/// What a plugin needs of its sandbox, found by watching it.
@Suite struct SandboxNeedsTests {
    @Test func `what is allowed already is not needed, and what lies beneath another path neither`() {
        var settings = SandboxSettings(level: .on)
        settings.write = ["/srv/out"]
        settings.bind = [80]
        settings.syscalls = ["chmod"]
        let allowed = [
            "write=/srv/out/a", "write=/srv/out", "write=/own/x", "write=/dev/null", "bind=80", "syscalls=chmod",
            "read=/x",
            "connect=1", "udp", "execute=/bin/sh", "environment=HOME", "syscalls=getpid",
        ].compactMap(SandboxNeed.init(_:))
        #expect(allowed.count == 12)
        #expect(SandboxNeeds(allowed, beside: settings, folders: ["/own"]) { $0 == "HOME" }.isEmpty)
        let needed = [
            "write=/srv/outer", "write=/srv/outer/a", "write=/a \"b\"", "bind=9100", "bind=81", "syscalls=ptrace",
            "unix=/run/s",
        ].compactMap(SandboxNeed.init(_:))
        #expect(
            SandboxNeeds(needed, beside: settings, folders: ["/own"]).block == """
                sandbox: {
                    write: ["/a \\"b\\"", "/srv/outer"],
                    bind: [81, 9100],
                    unix: ["/run/s"],
                    syscalls: ["ptrace"],
                }
                """)
    }

    @Test func `what is narrowed is needed, and granted it is needed no more`() {
        var narrow = SandboxSettings(level: .on)
        narrow.read = .only(["/var/log"])
        narrow.execute = .only([])
        narrow.connect = .only([443])
        narrow.udp = false
        let needs = [
            "read=/var/log/x", "read=/srv", "read=/usr/share", "execute=/bin/sh", "connect=443", "connect=80", "udp",
            "environment=KEY",
        ].compactMap(SandboxNeed.init(_:))
        #expect(
            SandboxNeeds(needs, beside: narrow, folders: []).line
                == "sandbox: { read: [\"/srv\"], execute: [\"/bin/sh\"], connect: [80], udp: true, environment: [\"KEY\"] }"
        )
        #expect(SandboxNeeds(needs, beside: narrow.granting(needs), folders: []).isEmpty)
        narrow.level = .off
        #expect(SandboxNeeds(needs, beside: narrow, folders: []).isEmpty)
    }

    @Test func `a device is needed where all else may be read`() {
        let settings = SandboxSettings(level: .on)
        let needs = ["read=/dev/urandom", "read=/dev/ttyUSB0", "read=/srv"].compactMap(SandboxNeed.init(_:))
        #expect(SandboxNeeds(needs, beside: settings, folders: []).line == "sandbox: { read: [\"/dev/ttyUSB0\"] }")
        #expect(settings.granting(needs).read == .only(["/dev/urandom", "/dev/ttyUSB0", "/srv"]))
        #expect(settings.granting(Array(needs.dropFirst(2))).read == .all)
    }

    @Test(arguments: [
        "", "write", "write=", "write=relative", "write=/a/../b", "bind=65536", "bind=x", "udp=1", "syscalls=a b",
        "environment=A=B",
        "level=off", "write=/a\nb",
    ]) func `a text that is no need is none`(text: String) { #expect(SandboxNeed(text) == nil) }

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
