import HostPolicy
import HostTestKit
import HostValues
import Testing

/// `--param NAME=VALUE`.
@Suite struct CommandLineParametersTests {
    private func plugin(_ parameters: [PluginDescription.Parameter]) -> PluginDescription {
        PluginDescription(
            id: "p", version: "1", description: nil, isSerial: false, parameters: parameters,
            routines: [.init(name: "r", description: nil, waitMs: 1, maxCycles: 0, timeoutMs: 0)])
    }

    private func parameter(_ name: String, _ type: PluginDescription.Parameter.Kind, _ range: String? = nil)
        -> PluginDescription.Parameter
    {
        .init(name: name, type: type, defaultValue: nil, range: range, description: nil)
    }

    private func values(_ texts: String..., of plugin: PluginDescription) throws -> [String: String] {
        try CommandLineParameters(texts, of: plugin).values.mapValues { $0.value.json }
    }

    @Test func `a value is read in the declared type, and the last one counts`() throws {
        let plugin = plugin([
            parameter("text", .string), parameter("count", .int), parameter("share", .double), parameter("on", .bool),
        ])
        #expect(
            try values("text=1=2", "count=-3", "share=5", "on=true", "count=4", of: plugin)
                == ["text": "\"1=2\"", "count": "4", "share": "5.0", "on": "true"])
        #expect(try values("text=", of: plugin) == ["text": "\"\""])
        #expect(try values("text=${env:HOME}", of: plugin) == ["text": "\"${env:HOME}\""])
    }

    @Test func `a plugin that declares nothing takes what reads as JSON as that, and the rest as text`() throws {
        #expect(
            try values("a=1", "b=x y", "c=[1,2]", "d=true", of: plugin([]))
                == ["a": "1", "b": "\"x y\"", "c": "[1,2]", "d": "true"])
    }

    @Test(arguments: [
        ("count", "'count' is no NAME=VALUE"), ("=1", "'=1' is no NAME=VALUE"),
        ("count=x", "count must be a whole number from 1 to 9, not \"x\""),
        ("count=10", "count must be a whole number from 1 to 9, not 10"),
        ("cout=1", "p has no parameter 'cout'; did you mean count? it has count"),
    ])
    func `what is wrong is said`(text: String, message: String) {
        let error = #expect(throws: CommandLineParameters.Mistake.self) {
            try CommandLineParameters([text], of: plugin([parameter("count", .int, "1..9")]))
        }
        #expect(error?.description == message)
    }
}
