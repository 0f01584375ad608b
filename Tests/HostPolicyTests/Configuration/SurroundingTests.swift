import HostValues
import Testing

@testable import HostPolicy

/// Parameters that are taken from what is around the host.
@Suite struct SurroundingTests {
    private static let market: PluginDescription = {
        var market = ConfigurationSamples.market
        market.parameters.append(
            .init(name: "token", type: .int, defaultValue: "7777", range: "1..9999", description: nil, isSecret: true))
        return market
    }()

    /// Surroundings of a test: variables, files and credentials by their references.
    private func lookUp(_ known: [String: String]) -> Surrounding.LookUp {
        { reference, file in
            if let text = known["\(reference)"] { return .text(text) }
            if case .environment(_, let fallback?) = reference { return .text(fallback) }
            return .absent("\(file) wants \(reference)")
        }
    }

    private func settings(_ text: String, _ known: [String: String] = [:]) throws -> EffectiveSettings {
        let file = try PluginConfiguration(parsing: Array(text.utf8), file: "F").expanded(by: lookUp(known))
        try file.check(against: Self.market)
        let layers = PluginLayers(block: nil, file: file)
        return EffectiveSettings(of: Self.market.routines[0], in: Self.market, layers)
    }

    private func fault(_ text: String, _ known: [String: String] = [:]) -> String {
        do {
            _ = try settings(text, known)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test(
        arguments: [
            ("plain $5 $x {}", [.plain("plain $5 $x {}")]), ("", []), ("$${env:A}", [.plain("${env:A}")]),
            ("${env:A}", [.reference(.environment("A", fallback: nil))]),
            ("a${env:A_1:-b:-c}d", [.plain("a"), .reference(.environment("A_1", fallback: "b:-c")), .plain("d")]),
            ("${env:A:-}", [.reference(.environment("A", fallback: ""))]),
            (
                "${file:/a b/ü}${credential:db}",
                [.reference(.file("/a b/ü")), .reference(.credential("db"))]
            ),
        ] as [(String, [SurroundingText.Part])])
    func whatATextIsMadeOf(text: String, parts: [SurroundingText.Part]) throws {
        #expect(try SurroundingText(text).parts == parts)
    }

    @Test(arguments: [
        ("${env:A", "is not closed by }"), ("${HOME}", "write ${env:HOME} for the variable"),
        ("${evn:A}", "did you mean ${env:…}?"), ("${}", "is none of ${env:NAME}"), ("${env:}", "names no variable"),
        ("${env:1A}", "names no variable"), ("${env:A B}", "names no variable"), ("${file:}", "names no file"),
        ("${credential:a/b}", "a name without a slash"), ("${credential:..}", "a name without a slash"),
        ("${shell:id}", "write $${ for a plain ${"),
    ])
    func whatIsWrongWithAText(text: String, words: String) {
        let fault = fault("{\n params: { name: \(JSONValue.quoted(text)) } }")
        #expect(fault.hasPrefix("F:2:18: params.name: ") && fault.contains(words), "\(fault)")
    }

    @Test func valuesAreReadAsWhatTheParameterIs() throws {
        let known = ["${env:PORT}": "81", "${file:on}": "true", "${credential:half}": "0.25", "${env:NAME}": "ü"]
        let settings = try settings(
            """
            { params: { port: '${env:PORT}', verbose: '${file:on}', ratio: '${credential:half}',
              name: '<${env:NAME}|${env:NONE:-none}|$${x}>' } }
            """, known)
        #expect(
            settings.paramsJSON
                == #"{"mode":"fast","name":"<ü|none|${x}>","port":81,"ratio":0.25,"token":7777,"verbose":true}"#)
        // What is shown is what is written.
        let shown = settings.listing.filter { $0.key.hasPrefix("params.") }.map { "\($0.key)=\($0.value)" }
        #expect(shown.contains(#"params.port="${env:PORT}""#) && shown.contains("params.token=(secret)"), "\(shown)")
        #expect(!shown.contains { $0.contains("7777") || $0.contains("0.25") || $0.contains("ü") })
    }

    @Test func whatIsMissingIsSaidWithItsPlace() {
        #expect(
            fault("{ params: {\n  name: '${env:A} ${file:b}',\n  port: '${credential:c}' } }") == """
                F:2:9: params.name: F wants ${env:A}
                F:2:9: params.name: F wants ${file:b}
                F:3:9: params.port: F wants ${credential:c}
                """)
        #expect(
            fault("{ params: { name: '${env:A}' } }", ["${env:A}": "a\0b"]).contains("${env:A} has a NUL character"))
    }

    /// The check comes after the expansion, and its sentences say nothing of what was found.
    @Test func wrongValuesAreNotShown() {
        #expect(
            fault("{ params: { port: '${env:P}' } }", ["${env:P}": "hunter2"])
                == #"F:1:19: params.port: must be a whole number from 1 to 65535, not what "${env:P}" is"#)
        #expect(
            fault("{ params: { token: 'hunter2' } }")
                == "F:1:20: params.token: must be a whole number from 1 to 9999, not what is written there, which is secret"
        )
        #expect(
            fault("{ params: { token: '${env:P}' } }", ["${env:P}": "hunter2"])
                == "F:1:20: params.token: must be a whole number from 1 to 9999, not what that is, which is secret")
    }

    @Test func blocksOfRoutinesAndListsAreExpandedToo() throws {
        var bare = Self.market
        bare.parameters = []
        let text =
            "{ params: { all: ['${env:A}', { deep: '${env:A}' }] }, routines: { report: { params: { a: '${env:A}' } } } }"
        let file = try PluginConfiguration(parsing: Array(text.utf8), file: "F").expanded(by: lookUp(["${env:A}": "1"]))
        let settings = EffectiveSettings(of: bare.routines[1], in: bare, PluginLayers(block: nil, file: file))
        #expect(settings.paramsJSON == #"{"a":"1","all":["1",{"deep":"1"}]}"#)
    }

    /// A command that looks from elsewhere cannot know what the host will find.
    @Test func whatIsNotLookedUpIsNotJudged() throws {
        let file = try PluginConfiguration(parsing: Array("{ params: { port: '${env:PORT}' } }".utf8), file: "F")
        try file.check(against: Self.market)
        #expect(file.layer.params["port"]?.source == .unknown)
    }

    @Test func aSecretDefaultIsNotShownWhereItIsWrong() {
        let wrong = PluginDescription.Parameter(
            name: "t", type: .int, defaultValue: "hunter2", range: nil, description: nil, isSecret: true)
        #expect(
            wrong.problem == "parameter t: the default (secret) is not a whole number"
                && wrong.shownDefault == "(secret)")
        let outside = PluginDescription.Parameter(
            name: "t", type: .int, defaultValue: "77", range: "1..9", description: nil, isSecret: true)
        #expect(outside.problem?.contains("77") == false)
    }
}
