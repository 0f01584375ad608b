/// The files of a new plugin in Swift: a package with a test, and a makefile for who wants the library alone.
enum SwiftTemplate {
    static let files: [(path: String, text: String)] = [
        ("Sources/@TARGET@/@NAME@.swift", source), ("Tests/@TARGET@Tests/@TARGET@Tests.swift", test),
        ("Package.swift", package), ("Makefile", makefile), (".gitignore", "/.build/\n/build/\n*.so\n"),
    ]

    /// The name of the target, and of its module: `my-plugin` is `MyPlugin`, and `hello` is `HelloPlugin`, so that no module is
    /// called like one of Swift's.
    static func target(of name: String) -> String {
        let words = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        let isWhole = words.hasSuffix("Plugin") && words != "Plugin"
        let target = isWhole ? words : words + "Plugin"
        return target.first?.isNumber == true ? "Plugin" + target : target
    }

    private static let source = """
        // The plugin @NAME@: one routine, which is run every second.
        import PluginAPI

        let greeting = Parameter("greeting", default: "hello", description: "what each cycle says")

        let plugin = Plugin("@NAME@", version: "0.1.0", description: "says hello", parameters: [greeting]) {
            Routine("tick", wait: .seconds(1), description: "says hello") { scheduler in
                scheduler.log.info("\\(scheduler[greeting]), cycle \\(scheduler.cycle)")
            }
        }

        @c(schedhost_plugin_v1)
        public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }

        """

    private static let test = """
        // What the plugin does in an hour, in a moment: see "Tests in Swift" in the guide for authors.
        import PluginTesting
        import Testing

        @testable import @TARGET@

        @Test func anHourHasAGreetingForEachSecond() throws {
            var simulation = Simulation(plugin)
            simulation[greeting] = "good morning"
            let run = try simulation.run(for: .hours(1))
            #expect(run.cycles == 3600)
            #expect(run.failures == 0)
            #expect(run.texts(of: "tick").first == "good morning, cycle 0")
        }

        """

    private static let package = """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "@NAME@",
            products: [.library(name: "@NAME@", type: .dynamic, targets: ["@TARGET@"])],
            dependencies: [.package(path: "@PACKAGE@")],
            targets: [
                .target(name: "@TARGET@", dependencies: [.product(name: "PluginAPI", package: "@IDENTITY@")]),
                .testTarget(
                    name: "@TARGET@Tests",
                    dependencies: ["@TARGET@", .product(name: "PluginTesting", package: "@IDENTITY@")]),
            ]
        )

        """

    private static let makefile = """
        # make builds the plugin, make run runs five cycles of it, make check says whether it is a good one, make test runs an
        # hour of it in virtual time.
        SWIFTC ?= swiftc
        SWIFTFLAGS ?= -O -g
        SCHEDHOST ?= @PROGRAM@
        # The module and library PluginAPI, made by the same compiler, and the C headers.
        FLAGS := -I@MODULE@ -I@INCLUDE@ -L@LIBRARY@ -lPluginAPI

        lib@NAME@.so: $(wildcard Sources/@TARGET@/*.swift)
        \t$(SWIFTC) $(SWIFTFLAGS) -emit-library -parse-as-library -module-name @TARGET@ $^ $(FLAGS) -o $@.new
        \tmv $@.new $@

        # Tests/@TARGET@Tests: the first time it builds the package of PluginTesting too.
        test:
        \tswift test

        \(PluginTemplate.targets)
        """
}
