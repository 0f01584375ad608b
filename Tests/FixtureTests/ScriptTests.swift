import Testing

/// The checks that are shell scripts; their output says what failed.
@Suite struct ScriptTests {
    @Test func `the C ABI`() {
        #expect(Fixtures.shell("'\(Fixtures.root)/Tests/ABI/check'") == 0)
    }

    @Test func `the sample plugins in C`() {
        #expect(Fixtures.shell("'\(Fixtures.root)/Tests/CPlugins/check'") == 0)
    }

    @Test func `modules and what they may import`() {
        #expect(Fixtures.shell("'\(Fixtures.root)/Tests/Modules/check'") == 0)
    }
}
