import Glibc
import HostSystem
import Testing

/// On what it depends where a path leads.
@Suite struct PathStepsTests {
    @Test func `links at any height, one behind the other, and what is not there`() throws {
        let scratch = try Scratch()
        let top = scratch.directory.path
        _ = try scratch.directory.directory("b", create: true)
        func link(_ name: String, to target: String) { #expect(unsafe symlink(target, top + "/" + name) == 0) }
        #expect(PathSteps(top + "/./b/x").end == .init(top + "/b", "x") && PathSteps(top + "/b").links.isEmpty)
        link("near", to: "far")
        link("far", to: "b/../b")
        link("back", to: top + "/near")
        let steps = PathSteps(top + "/near/x.so")
        #expect(steps.links == [.init(top, "near"), .init(top, "far")])
        #expect(steps.end.path.hasSuffix("/b/x.so"))
        #expect(PathSteps(top + "/back/y").links == [.init(top, "back"), .init(top, "near"), .init(top, "far")])
        #expect(PathSteps(top + "/absent/y/z").end == .init(top + "/absent/y", "z"))
        link("round", to: "round")
        #expect(PathSteps(top + "/round").links.count == 40, "no endless way")
        #expect(
            PathSteps(top + "/absent/y/z").folders.suffix(2) == [.init(top, "absent"), .init(top + "/absent", "y")])
        #expect(steps.folders.suffix(2).map(\.name) == ["b", "b"], "what a link leads through counts too")
        #expect(PathSteps("/").folders.isEmpty && PathSteps("a/b/c").folders == [.init(".", "a"), .init("./a", "b")])
        #expect(
            PathSteps.Step("/a/b", "c").above == .init("/a", "b") && PathSteps.Step("/a", "b").above == .init("/", "a"))
        #expect(PathSteps.Step("/", "a").above == nil && PathSteps.Step(".", "a").above == nil)
        #expect(PathSteps("/").end == .init("/", "") && PathSteps(".").end == .init(".", ""))
    }
}
