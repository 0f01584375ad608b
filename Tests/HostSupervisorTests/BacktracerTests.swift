import Testing

@testable import HostSupervisor

@Suite struct BacktracerTests {
    private func find(_ files: Set<String>, links: [String: String] = [:]) -> String? {
        Backtracer.find(
            host: "/opt/host/bin/schedhost", path: "/bin::/usr/bin:/tools/bin", isProgram: files.contains,
            resolve: { links[$0] ?? (files.contains($0) ? $0 : nil) })
    }

    @Test func `what is installed with the host comes first`() {
        let own = "/opt/host/libexec/schedhost/swift-backtrace-static"
        let other = "/tools/libexec/swift/linux/swift-backtrace-static"
        #expect(find([own, other, "/tools/bin/swift"]) == own)
        #expect(find([other, "/tools/bin/swift"]) == other)
    }

    @Test func `where it is installed with the host, the folders of PATH are left alone`() {
        var resolved: [String] = []
        let own = "/opt/host/libexec/schedhost/swift-backtrace"
        let found = Backtracer.find(
            host: "/opt/host/bin/schedhost", path: "/bin:/usr/bin", isProgram: { $0 == own },
            resolve: {
                resolved.append($0)
                return $0
            })
        #expect(found == own)
        #expect(resolved.isEmpty)
    }

    @Test func `links to the toolchain are followed, and the static program is preferred`() {
        let there = ["/swift/libexec/swift/linux/swift-backtrace", "/swift/libexec/swift/linux/swift-backtrace-static"]
        let links = ["/usr/bin/swift": "/swift/bin/swift"]
        #expect(find(Set(there), links: links) == there[1])
        #expect(find([there[0]], links: links) == there[0])
    }

    @Test func `without any there is none`() {
        #expect(find([]) == nil)
        #expect(find(["/tools/bin/swift"]) == nil)
        #expect(find(["/tools/libexec/swift/linux/swift-backtrace"]) == nil, "no swift there")
        #expect(Backtracer.find(host: nil, path: nil, isProgram: { _ in true }, resolve: { $0 }) == nil)
        #expect(Backtracer.find(host: "schedhost", path: "", isProgram: { _ in true }, resolve: { _ in nil }) == nil)
    }
}
