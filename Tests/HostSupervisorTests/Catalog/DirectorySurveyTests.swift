import HostSystem
import Testing

@testable import HostSupervisor
@testable import HostValues

/// What changed between two looks, where nobody tells.
@Suite struct DirectorySurveyTests {
    private func status(_ inode: UInt64) -> FileStatus { .test(inode: inode) }

    @Test func `what is another file is told when it has come to rest, and what is gone at once`() {
        var survey = DirectorySurvey()
        #expect(survey.take(["a.so": status(1), "b.so": status(2)]).isEmpty, "the first look tells nothing")
        #expect(survey.take(["a.so": status(1), "b.so": status(2)]).isEmpty)
        // One that is being written differs at each look.
        #expect(survey.take(["a.so": status(3), "b.so": status(2), "c.so": status(9)]).isEmpty)
        #expect(survey.take(["a.so": status(4), "b.so": status(2), "c.so": status(9)]) == ["c.so"])
        #expect(survey.take(["a.so": status(4), "b.so": status(2), "c.so": status(9)]) == ["a.so"])
        #expect(survey.take(["a.so": status(4), "c.so": status(9)]) == ["b.so"])
        #expect(survey.take(["a.so": status(4), "c.so": status(9)]).isEmpty)
        // Back to what was told: nothing has changed.
        #expect(survey.take(["a.so": status(5), "c.so": status(9)]).isEmpty)
        #expect(survey.take(["a.so": status(4), "c.so": status(9)]).isEmpty)
        #expect(survey.take(["a.so": status(4), "c.so": status(9)]).isEmpty)
    }

    @Test(arguments: [
        ("a.so", true), ("liba.so.1.2", true), ("a.json5", true), ("schedhost.json5", true), (".a.so", false),
        ("..data", false), ("README.md", false), ("a.json", false),
    ])
    func `names that matter`(name: String, matters: Bool) { #expect(DirectorySurvey.isOfInterest(name) == matters) }
}
