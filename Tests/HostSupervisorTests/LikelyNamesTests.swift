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
}
