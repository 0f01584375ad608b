import Foundation
import Testing

/// What the guide for authors shows of this kit is compiled and run here.
@Suite struct GuideTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    /// The blocks of Swift in a chapter.
    private static func samples(of chapter: String) throws -> [String] {
        let guide = try text("Sources/PluginAPI/README.md")
        let own = try #require(guide.components(separatedBy: "\n## ").first { $0.hasPrefix(chapter + "\n") })
        return own.components(separatedBy: "```swift\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
    }

    @Test func `the tests of the guide are here`() throws {
        let samples = try Self.samples(of: "Tests in Swift")
        let own = try Self.text("Tests/PluginTestingTests/GuideSamples.swift")
        #expect(samples.count == 2)
        for sample in samples {
            // Imports and the entry are not needed here.
            let start = try #require(sample.range(of: "let currency") ?? sample.range(of: "struct MarketTests"))
            let end = sample.range(of: "\n@c(")?.lowerBound ?? sample.endIndex
            #expect(own.contains(sample[start.lowerBound..<end]))
        }
    }

    @Test func `the recipes of the guide are here`() throws {
        let recipes = try Self.samples(of: "Recipes")
        let own = try Self.text("Tests/PluginTestingTests/Recipes.swift")
        #expect(recipes.count == 6)
        for recipe in recipes { #expect(own.contains(recipe), "\(recipe)") }
    }
}
