import CPluginAPI
import HostInspection
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// The bounds that the header tells authors are those that the host checks.
@Suite("Bounds of a descriptor")
struct DescriptorBoundsTests {
    @Test("the header and the check say the same")
    func same() {
        #expect(PluginDescription.Bounds.name == Int(SCHEDHOST_MAX_NAME))
        #expect(PluginDescription.Bounds.line == Int(SCHEDHOST_MAX_DESCRIPTION))
        #expect(PluginDescription.Bounds.routines == Int(SCHEDHOST_MAX_ROUTINES))
        #expect(PluginDescription.Bounds.parameters == Int(SCHEDHOST_MAX_PARAMETERS))
        #expect(PluginDescription.Bounds.schedule == Int(SCHEDHOST_MAX_SCHEDULE))
        #expect(ScheduleText.mostBytes == Int(SCHEDHOST_MAX_SCHEDULE))
        #expect(PluginDescription.Bounds.milliseconds == UInt64(SCHEDHOST_MAX_WAIT_MS))
    }

    @Test("a text without an end that is anywhere near refuses the plugin, and is not read to its end")
    func longVersion() throws {
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: 40 << 20)
        unsafe text.initialize(repeating: 118, count: 40 << 20)
        unsafe text[(40 << 20) - 1] = 0
        defer { unsafe text.deallocate() }
        let refusal = #expect(throws: LoadedPlugin.Refusal.self) {
            try unsafe PluginKit([Script()]) { unsafe $0.version = unsafe UnsafePointer(text) }
        }
        #expect(refusal?.stage == .descriptor && refusal?.text == "version is longer than 200 bytes")
    }

    @Test("words of the dynamic linker's that say no mend get one")
    func advice() {
        let texts = [
            "/p/a.so: cannot allocate memory in static TLS block": "-ftls-model=global-dynamic",
            "a.so: cannot enable executable stack as shared object requires: Permission denied": "-z noexecstack",
            "/lib/libc.so.6: version `GLIBC_2.99' not found (required by a.so)": "an older system",
            "a.so: undefined symbol: __asan_init": "-fsanitize=address",
        ]
        for (text, mend) in texts { #expect(LoadAdvice.mend(of: text).contains(mend), "\(text)") }
        #expect(LoadAdvice.mend(of: "a.so: undefined symbol: nowhere").isEmpty)
        let absent = "cannot open shared object file: No such file or directory"
        #expect(LoadAdvice.mend(of: "libx.so.1: " + absent).contains("schedhost reload"))
        #expect(LoadAdvice.mend(of: "/state/plugins/copy.so: " + absent).isEmpty, "that is no library of the plugin's")
    }
}
