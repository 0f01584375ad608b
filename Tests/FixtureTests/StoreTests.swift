import Testing

/// Stores against what `schedhost/store.h` says of them; the output says what does not hold.
@Suite struct StoreTests {
    @Test(arguments: ["fake", "lies"]) func `a store holds what is said of stores, or is found out`(engine: String) {
        let status = Fixtures.shell("'\(Fixtures.root)/Tests/Stores/check' \(engine)")
        // 77: its server cannot be had here, and the output says so.
        #expect(status == 0 || status == 77)
    }
}
