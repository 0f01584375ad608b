import Testing

@testable import HostSupervisor

/// Settings whose name fits no plugin are told, with what was probably meant.
@Suite struct UnclaimedSettingsTests {
    private func faults(_ files: [String], blocks: [String] = [], _ claims: [UnclaimedSettings.Claim]) -> [String] {
        UnclaimedSettings.faults(
            files: files, blocks: blocks, hostFile: "schedhost.json5", claims: claims, path: { "p/" + $0 }
        ).map(\.text)
    }

    @Test func aTypingMistakeIsToldWithTheName() {
        #expect(
            faults(["bto.json5", "bot.json5", "bot.so", "schedhost.json5"], [("bot.so", "bot")])
                == ["p/bto.json5: settings for a plugin that is not here: did you mean bot? rename it to bot.json5"])
    }

    @Test func theNameOfTheFileIsNotThatOfThePlugin() {
        #expect(
            faults(["libmarket.json5"], [("libmarket.so", "market-poller")]) == [
                "p/libmarket.json5: settings for a plugin that is not here: the plugin in that file is called "
                    + "market-poller: rename it to market-poller.json5"
            ])
    }

    @Test func aBlockOfTheHostsFileCountsToo() {
        #expect(
            faults([], blocks: ["bto", "bot"], [("bot.so", "bot")]) == [
                "plugins.bto in the host's configuration is for a plugin that is not here: did you mean bot? write plugins.bot"
            ])
    }

    @Test func ofAFileThatCannotBeDescribedTheNameIsNotKnown() {
        #expect(faults(["broken.json5"], [("broken.so", nil)]).isEmpty)
    }

    @Test func aFileThatLacksTheFiveIsToldUnlessTheRightOneIsBesideIt() {
        let bot: [UnclaimedSettings.Claim] = [("bot.so", "bot")]
        #expect(
            faults(["bot.json", "prices.json", "schedhost.jsonc"], bot) == [
                "p/bot.json: not read, since a configuration's name ends in .json5: rename it to bot.json5",
                "p/schedhost.jsonc: not read, since a configuration's name ends in .json5: rename it to schedhost.json5",
            ])
        #expect(faults(["bot.json", "bot.json5"], bot).isEmpty)
    }
}
