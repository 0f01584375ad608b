import FoundationEssentials
import HostTestKit
import Testing

@testable import HostSupervisor

/// The files whose content configurations take, which no plugin may read.
@Suite struct SecretFilesTests {
    private let root = TestDirectory()
    private let secrets = SecretFiles()

    private func write(_ name: String, _ text: String) throws -> String {
        let path = root.path + "/" + name
        // Another file each time, whose status differs from that of the one before.
        try? FileManager.default.removeItem(atPath: path)
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test func `they are those of all configurations, as each is now`() throws {
        let one = try write("one.json5", #"{ params: { key: "${file:/etc/key}", text: "${file:beside}" } }"#)
        let two = try write("two.json5", #"{ params: { key: "${file:/etc/other}", time: "${file:/proc/uptime}" } }"#)
        #expect(secrets.paths(in: [one, two]) == ["/etc/key", root.path + "/beside", "/etc/other"])
        _ = try write("one.json5", #"{ params: { key: "${file:/etc/next}" } }  "#)
        #expect(secrets.paths(in: [one, two]) == ["/etc/next", "/etc/other"])
        #expect(secrets.paths(in: [two]) == ["/etc/other"])
        #expect(secrets.paths(in: [two, one]) == ["/etc/next", "/etc/other"])
    }

    @Test func `a configuration that cannot be read counts with its former content, and one that is gone does not`()
        throws
    {
        let one = try write("one.json5", #"{ params: { key: "${file:/etc/key}" } }"#)
        #expect(secrets.paths(in: [one]) == ["/etc/key"])
        _ = try write("one.json5", "{ params: ")
        #expect(secrets.paths(in: [one]) == ["/etc/key"])
        #expect(secrets.paths(in: []) == [])
    }
}
