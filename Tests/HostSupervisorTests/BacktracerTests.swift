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
