import Testing

@testable import HostSupervisor

/// Which file had each name last, in a host that runs for months beside a build with ever new names.
@Suite struct PluginOwnersTests {
    @Test func `neither names nor files are remembered without end`() {
        var owners = PluginOwners()
        for number in 1...20_000 {
            let isNew = owners.note("build-\(number)", "build-\(number).so") { ["build-\(number)", "there"] }
            #expect(isNew)
            if number == 1 { _ = owners.note("there", "there.so") { [] } }
        }
        #expect(owners.files.count <= 4096 && owners.ids.count <= owners.files.count)
        #expect(owners.expected(of: "there.so", likely: nil) == "there")
    }

    @Test func `one name in ever new files is remembered with the last one only`() {
        var owners = PluginOwners()
        for number in 1...20_000 { _ = owners.note("p", "p-\(number).so") { ["p"] } }
        #expect(owners.ids == ["p-20000.so": "p"] && owners.expected(of: "p-20000.so", likely: nil) == "p")
        #expect(owners.expected(of: "p-1.so", likely: "p") == nil)
    }
}
