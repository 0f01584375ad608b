import HostInspection
import Testing

@testable import HostSupervisor

/// A crash report for people.
@Suite struct CrashReportTextTests {
    private func text(_ images: [String]) -> String? {
        let frames = images.map { #"{"symbol":"f","image":"\#($0)"}"# }.joined(separator: ",")
        let report = #"{"description":"Bad","threads":[{"crashed":true,"frames":[\#(frames)]}]}"#
        return CrashReportText.text(Array(report.utf8), named: "bot@1m864hsf4kk8q.json")
    }

    @Test func theCopyOfAPluginIsCalledByThePlugin() {
        let own = "cdc1668a781d6a88-0afc16d6-13960.so"
        let other = "0123456789abcdef-00000000-1.so"
        #expect(
            text(["libc.so.6", own, own, "libown.so", other, "schedhost"]) == """
                crash: Bad
                0   f in libc.so.6
                1   f in bot
                2   f in bot
                3   f in libown.so
                4   f in another plugin
                5   f in schedhost

                """)
        #expect(text([]) == "crash: Bad\n")
        #expect(CrashReportText.text(Array("no JSON".utf8), named: "bot@1.json") == nil)
    }

    @Test(arguments: [
        ("cdc1668a781d6a88-0afc16d6-13960", true), ("libfoo", false), ("a-b-c", false),
        ("cdc1668a781d6a88-0afc16d6", false),
        ("cdc1668a781d6a88--1", false), ("cdc1668a781d6a8g-0-1", false), ("", false),
    ])
    func whatNamesAContent(text: String, isName: Bool) {
        #expect(ContentHash.isName(text) == isName)
        #expect(ContentHash.isName(ContentHash.name(of: text)))
    }
}
