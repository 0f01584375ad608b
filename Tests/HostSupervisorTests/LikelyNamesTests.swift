import Testing

@testable import HostSupervisor

/// What a plugin is probably called, from its file's name.
@Suite struct LikelyNamesTests {
    @Test(arguments: [
        ("market.so", ["market"]), ("libmarket.so", ["libmarket", "market"]),
        ("libMarketPoller.so", ["libMarketPoller", "MarketPoller", "market-poller"]),
        ("libHTTPCheck2Go.so", ["libHTTPCheck2Go", "HTTPCheck2Go", "httpcheck2-go"]),
        ("lib.so", ["lib"]), (".so", []), ("Ä.so", ["Ä", "ä"]), ("plain", ["plain"]),
    ]) func names(file: String, expected: [String]) {
        #expect(PluginNames.likely(file) == expected)
    }

    @Test func `a file may have a version in its name`() {
        for file in [
            "market.so", "libmarket.so", "market-1.so", "market-1.2.3.so", "libmarket_v2.so", "Market-1.0+3.so",
        ] {
            #expect(PluginNames.isNamed(file, after: "market"), "\(file)")
        }
        for file in ["market-poller.so", "market-x1.so", "amarket-1.so", "market1.so", "-1.so", "market-.so", "1.so"] {
            #expect(!PluginNames.isNamed(file, after: "market"), "\(file)")
        }
    }
}
