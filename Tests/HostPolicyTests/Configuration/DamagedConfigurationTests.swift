import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Texts that were configurations once: each reads as one, or is refused in sentences.
@Suite struct DamagedConfigurationTests {
    @Test(arguments: 0..<20) func damagedTextsNeverTrap(seed: Int) {
        var dice = SplitMix(seed: UInt64(seed))
        let alphabet = Array("{}[]:,'\"\\/*\n\r+-.0123456789eExXuabNI \u{feff}ü".utf8) + [0xFF, 0x00]
        let whole = Array(
            #"{ wait_ms: 0x1F, params: { "a\u00e9": [1.5e3, -Infinity, 'x\\#ny'], }, /* c */ restart: { probe_after_ms: [1000] }, routines: { ü: { until: "12:30" } } } // end"#
                .utf8)
        for _ in 0..<500 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &dice) {
                let index = Int.random(in: 0..<bytes.count, using: &dice)
                switch dice.next() % 3 {
                case 0: bytes[index] = alphabet.randomElement(using: &dice) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &dice) ?? 0, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + Int(dice.next() % 5)))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            do throws(ConfigurationError) {
                let file = try PluginConfiguration(parsing: bytes, file: "F")
                try file.check(against: ConfigurationSamples.market)
            } catch {
                #expect(!error.problems.isEmpty && error.problems.count <= 20)
                #expect(error.problems.allSatisfy { !$0.description.contains("\n") && $0.description.count < 600 })
            }
        }
    }
}
