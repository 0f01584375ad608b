import FoundationEssentials
import Glibc
import HostCommandLine
import HostSystem
import Testing

extension EndToEnd {
    /// Where a report is written to, and where it is not.
    @Suite struct Reports {
        @Test(
            arguments: [
                ("folder", "a directory"), ("folder/", "a directory"), ("link", "a link"), ("pipe", "a pipe"),
                ("absent/x.html", "No such file or directory"),
            ])
        func `a report that cannot be written is 73, and leaves all as it was`(
            output: String, words: String
        ) async throws {
            let scratch = try Scratch()
            let folder = scratch.path + "/out"
            try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "/dev/stdout")
            guard unsafe mkfifo(folder + "/pipe", 0o600) == 0 else { throw Unmet(description: "mkfifo") }
            func listing() async throws -> String {
                try await Command.shell("cd '\(folder)' && find . -printf '%p %y %i %s\\n' | sort", in: scratch)
            }
            let before = try await listing()
            let report = try await Program.run(
                "report", "--output", folder + "/" + output, "--state", scratch.state, in: scratch)
            #expect(report.end == .exited(73), "\(report.errors)")
            #expect(report.errors.contains(words) && report.errors.contains("--output"), "\(report.errors)")
            #expect(try await listing() == before)
        }

        @Test func `a report replaces the one before`() async throws {
            let scratch = try Scratch()
            try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: false)
            try scratch.write("the one before", to: "report.html")
            let report = try await Program.run(
                "report", "--output", scratch.plugins + "/report.html", "--state", scratch.state, in: scratch)
            #expect(report.end == .exited(0), "\(report.errors)")
            #expect(scratch.text("plugins/report.html").hasPrefix("<!doctype html>"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.plugins) == ["report.html"])
        }

        @Test func `a metrics file whose folder is not there is 73, before anything runs`() async throws {
            let scratch = try Scratch()
            let host = try Host("--metrics-file", scratch.path + "/absent/m.prom", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(73), "\(host.log)")
            #expect(host.log.contains(scratch.path + "/absent") && host.log.contains("--metrics-file"), "\(host.log)")
            #expect(!FileManager.default.fileExists(atPath: scratch.state))
        }

        @Test func `a device or a link is no metrics file, and stays what it was`() async throws {
            let scratch = try Scratch()
            let link = scratch.path + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/null")
            let host = try Host("--metrics-file", link, "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("ERROR", "link is a link, not a regular file").count == 1, "\(host.log)")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/dev/null")
        }
    }
}
