import HostPolicy
import Testing

@testable import HostSupervisor
@testable import HostSystem

@Suite struct ToldRefusalsTests {
    @Test func `each call is told once`() throws {
        var told = ToldRefusals()
        let ptrace = SandboxRefusal(call: try #require(SystemCall("ptrace")).number, times: 2, place: "steal (x.c:12)")
        var page = CrashPage.Contents(signal: 0)
        #expect(told.news(in: page, of: []) == nil)
        page.refused = [
            CrashPage.RefusedCall(
                call: try #require(SystemCall("ptrace")).number, times: 2,
                frame: CrashPage.Frame(image: "x.so", offset: 1))
        ]
        #expect(told.news(in: page, of: ["x.so"])?.files == ["x.so"])
        #expect(
            told.take([ptrace]) == [
                "its sandbox refused ptrace (2 times), first at steal (x.c:12): "
                    + "sandbox: { syscalls: [\"ptrace\"] } would allow it"
            ])
        #expect(told.take([ptrace]).isEmpty && told.news(in: page, of: []) == nil)
    }
}
