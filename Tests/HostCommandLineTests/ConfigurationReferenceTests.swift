import HostPolicy
import HostSystem
import Testing

@testable import HostCommandLine

/// The reference of the configuration: it is whole, its examples are read by the reader of configurations, and README has it.
@Suite struct ConfigurationReferenceTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    private func read(_ path: String) throws -> String {
        let (folder, name) = Directory.split(Self.root + "/" + path)
        let bytes = try Directory(folder).openForReading(name).readAll(limit: 1 << 20, subject: path)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func plugin(_ text: String) throws(ConfigurationError) -> PluginConfiguration {
        try PluginConfiguration(parsing: Array(text.utf8), file: "F", isZone: { $0 == "Europe/Berlin" })
    }

    private func host(_ text: String) throws(ConfigurationError) -> HostConfiguration {
        try HostConfiguration(parsing: Array(text.utf8), file: "F", isZone: { $0 == "Europe/Berlin" })
    }

    /// What a layer sets, as paths of keys.
    private func set(_ layer: ConfigurationLayer) -> [String] {
        layer.settings.keys.map(\.rawValue) + (layer.params.isEmpty ? [] : ["params"])
    }

    @Test func everyKeyIsInItOnce() {
        let keys = ConfigurationReference.entries.map(\.key)
        let all = SettingKey.allCases.map(\.rawValue) + SettingContainer.allCases.map(\.rawValue)
        #expect(keys.sorted() == all.sorted())
        for section in ConfigurationReference.sections { #expect(!section.entries.isEmpty, "\(section.title)") }
    }

    @Test(arguments: ConfigurationReference.entries) func itsWordsAreASentence(entry: ConfigurationEntry) {
        #expect(entry.text.first?.isUppercase == true && entry.text.hasSuffix("."))
        #expect(!entry.builtIn.isEmpty && !entry.allowed.isEmpty && !entry.places.isEmpty)
        #expect(entry.example.hasPrefix(entry.group ?? entry.key))
    }

    @Test(arguments: ConfigurationReference.entries) func itsExampleIsReadWhereItMayBeSet(entry: ConfigurationEntry)
        throws
    {
        let example = "{ \(entry.example) }"
        let fromHost = try? host(example)
        #expect((fromHost != nil) == entry.places.contains(.hostFile))
        let fromPlugin = try? plugin(example)
        #expect((fromPlugin != nil) == entry.places.contains(.pluginFile))
        let fromRoutine = try? plugin("{ routines: { r: \(example) } }")
        #expect((fromRoutine != nil) == entry.places.contains(.routine))
        switch SettingContainer(rawValue: entry.key) {
        case .routines: #expect(fromPlugin?.routines.isEmpty == false)
        case .instances: #expect(fromPlugin?.instances.isEmpty == false)
        case .plugins: #expect(fromHost?.plugins.isEmpty == false)
        case .sandboxUsers: #expect(fromHost?.users != nil)
        case .sandboxLimit: #expect(fromHost?.sandboxLimit != SandboxLimit())
        case .params, nil:
            let layers = [fromHost?.layer, fromPlugin?.layer, fromRoutine?.routines["r"]?.layer].compactMap { $0 }
            // A cluster needs a store beside whatever else is said of it.
            let beside = entry.group == "cluster" && entry.key != "cluster.store" ? ["cluster.store"] : []
            for layer in layers { #expect(set(layer).sorted() == ([entry.key] + beside).sorted()) }
        }
    }

    @Test(arguments: SettingKey.allCases) func itsExampleChangesSomething(key: SettingKey) throws {
        let entry = try #require(ConfigurationReference.entries.first { $0.key == key.rawValue })
        let text = "{ \(entry.example) }"
        let layer = key.isHostWide ? try host(text).layer : try plugin(text).layer
        #expect(layer.settings[key]?.value != key.builtIn)
    }

    @Test func optionsAndFieldsThatItNamesAreThere() throws {
        let header = try read("Sources/PluginAPI/C/include/schedhost/descriptor.h")
        let options = CommandTable.specification(of: .run).options
        for place in ConfigurationReference.entries.flatMap(\.places) {
            switch place {
            case .descriptor(let field):
                #expect(header.contains(" \(field);") || header.contains("*\(field);"), "\(field)")
            case .commandLine(let name): #expect(options.contains { $0.name == name }, "\(name)")
            case .hostFile, .pluginFile, .routine: break
            }
        }
    }

    @Test func theExampleOfTheManualPageIsRead() throws {
        _ = try plugin(ManualPage.example.joined(separator: "\n"))
    }

    @Test func thePageHasEveryKey() {
        let page = ManualPage.text(.configuration)
        for entry in ConfigurationReference.entries { #expect(page.contains("\n.B \(entry.key)\n"), "\(entry.key)") }
        #expect(ManualPage.text(.program).contains("schedhost.json5 (5)"))
    }

    @Test(arguments: [ConfigurationHelp.Subject.all] + ConfigurationReference.entries.map { .keys([$0.key]) })
    func theHelpFitsIn80Columns(subject: ConfigurationHelp.Subject) {
        let text = ConfigurationHelp.text(subject)
        #expect(text.hasSuffix("\n") && !text.contains("\n\n\n"))
        for line in text.split(separator: "\n") { #expect(line.count <= 80 && !line.hasSuffix(" "), "\(line)") }
    }

    @Test func theHelpOfAKey() {
        #expect(
            ConfigurationHelp.text(.keys(["limits.memory_mb"])) == """
                limits.memory_mb

                  How much memory the worker may have: its data, and with a control group (see
                  status) shared memory too.

                  type      whole number
                  unit      megabytes
                  range     16 to 1048576
                  zero      no limit
                  built in  0 (no limit)
                  set in    schedhost.json5, the plugin's file and a routine's block
                  example   limits: { memory_mb: 256 }

                """)
    }

    @Test(
        arguments: [
            ("wait_ms", ["wait_ms"]), ("retry", ["retry.delay_ms", "retry.attempts"]), ("attempts", ["retry.attempts"]),
            ("memory_mb", nil), ("plugins", ["plugins"]), ("", nil), ("restart.", nil),
        ] as [(String, [String]?)])
    func aKeyIsFoundByItsNameToo(word: String, keys: [String]?) {
        #expect(ConfigurationHelp.keys(named: word) == keys)
    }

    @Test func theSamplesOfTheReadmeAreRead() throws {
        let samples = try read("README.md").split(separator: "```json5\n", omittingEmptySubsequences: false).dropFirst()
        #expect(samples.count == 3)
        for sample in samples {
            let text = String(sample.split(separator: "```", omittingEmptySubsequences: false)[0])
            let configuration = try plugin(text)
            #expect(!configuration.routines.isEmpty || !configuration.layer.settings.isEmpty, "\(text)")
        }
    }

    @Test func theReadmeHasEveryOptionAndCommand() throws {
        let readme = try read("README.md")
        for command in CommandTable.commands {
            #expect(readme.contains(command.name.rawValue))
            for option in command.options { #expect(readme.contains("--\(option.name.rawValue)"), "\(command.name)") }
        }
        #expect(ManualPage.text(.program).contains("\n.SH PRIVILEGES\n"))
    }

    @Test func theTablesOfTheReadmeAreTheProgramsOwn() throws {
        let readme = try read("README.md")
        let parts = readme.split(
            separator: "<!-- schedhost help config --markdown -->\n", omittingEmptySubsequences: false)
        try #require(parts.count == 2, "README.md has lost its mark")
        let shown = parts[1].split(separator: "<!-- end -->", omittingEmptySubsequences: false)[0]
        #expect(
            "\n" + ConfigurationHelp.text(.markdown) + "\n" == shown, "README.md is old: scripts/share/readme-settings")
    }
}
