import HostPolicy
import Testing

@testable import HostSupervisor
@testable import HostSystem

@Suite struct ToldRefusalsTests {
    @Test func `each call is told once`() throws {
        var told = ToldRefusals()
        let number = try #require(SystemCall("ptrace")).number
        let ptrace = try #require(SandboxRefusal(call: number, times: 2, place: "steal (x.c:12)"))
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
                    + "sandbox: { syscalls: [\"ptrace\"] } would allow it with the plugin's own processes"
            ])
        #expect(told.take([ptrace]).isEmpty)
        #expect(told.news(in: page, of: []) == nil)
    }

    @Test func `what a plugin makes up in its page costs one question at a time, and few lines`() throws {
        var told = ToldRefusals()
        func page(_ calls: some Collection<UInt32>) -> CrashPage.Contents {
            var page = CrashPage.Contents(signal: 0)
            page.refused = calls.map { .init(call: $0, times: 1, frame: CrashPage.Frame(image: "x.so", offset: 1)) }
            return page
        }
        let known = (UInt32(0)..<500).filter { SystemCall(number: $0) != nil }
        try #require(known.count > 40)
        #expect(SandboxRefusal(call: 5000, times: 1) == nil)
        #expect(told.news(in: page([5000, 5001]), of: []) == nil)
        let first = [0, 1, 1].map { told.mayBeNew($0, or: false) }
        #expect(first == [false, true, false])
        let errors = [0, 1, 1].map { told.mayBeNew($0, or: true) }
        #expect(errors == [true, true, true])
        var quiet = ToldRefusals()
        let isNew = quiet.mayBeNew(0, or: true)
        #expect(!isNew, "nothing was refused")
        #expect(told.news(in: page(known[..<16]), of: []) != nil)
        #expect(told.news(in: page(known[16..<32]), of: []) == nil, "one is not answered")
        let meanwhile = [2, 2].map { told.mayBeNew($0, or: false) }
        #expect(meanwhile == [true, true], "what comes meanwhile is not forgotten")
        var lines = told.take(page(known[..<16]).refusals).count
        for start in stride(from: 16, to: known.count, by: 16) {
            let next = page(known[start..<min(start + 16, known.count)])
            if told.news(in: next, of: []) != nil { lines += told.take(next.refusals).count }
        }
        #expect(lines == 32)
    }
}
