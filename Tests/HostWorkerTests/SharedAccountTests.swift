import HostValues
import Testing

@testable import HostWorker

/// How much of a store a plugin may fill.
@Suite struct SharedAccountTests {
    @Test func whatIsKeptCountsOnceAndForItsTime() {
        let account = SharedAccount(keys: 2, bytes: 100)
        var said: [String] = []
        func take(_ name: String, _ bytes: Int, at ms: Int64 = 0, keepMs: UInt64 = 10) -> Bool {
            account.take(name, bytes: bytes, keepMs: keepMs, at: BootTime(nanoseconds: ms * 1_000_000)) {
                said.append($0)
            }
        }
        #expect(take("a", 60) && take("b", 40, keepMs: 50))
        #expect(take("a", 60), "the same again")
        #expect(!take("a", 61) && !take("c", 0) && said.count == 1, "and that is said once: \(said)")
        #expect(take("a", 10) && take("b", 90, keepMs: 50))
        #expect(!take("c", 1) && said.count == 2)
        #expect(take("c", 10, at: 10), "the first one's time is over")
        #expect(!take("d", 1, at: 10))
        account.limit(keys: 3, bytes: 200)
        #expect(take("d", 1, at: 10))
        account.remove { $0 == "b" }
        #expect(take("e", 150, at: 10))
        #expect(!take("f", .max - 1000, at: 10), "whatever the size")
        #expect(account.take("x", bytes: 1, keepMs: .max, at: .never) { _ in })
    }

    @Test func anEmptyValueIsOneToo() {
        let account = SharedAccount(keys: 1, bytes: 100)
        func take(_ name: String) -> Bool {
            account.take(name, bytes: 0, keepMs: 10, at: BootTime(nanoseconds: 0)) { _ in }
        }
        #expect(take("a") && take("a") && !take("b"))
    }
}
