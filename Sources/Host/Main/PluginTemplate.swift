internal import HostCommandLine
internal import HostValues

/// The files of a new plugin, each with its path in the plugin's folder.
enum PluginTemplate {
    static func files(_ options: NewOptions, installed: Installation?) -> [(path: String, text: String)] {
        let own: [(path: String, text: String)] =
            switch options.language {
            case .c: CTemplate.files
            case .swift: SwiftTemplate.files
            }
        let swift = "/usr/local/lib/schedhost/swift"
        let package = package(installed)
        func fill(_ text: String) -> String {
            text.replacing("@NAME@", with: options.name)
                .replacing("@TARGET@", with: SwiftTemplate.target(of: options.name))
                .replacing("@INCLUDE@", with: installed?.include ?? "/usr/local/include")
                .replacing("@MODULE@", with: installed?.module ?? swift)
                .replacing("@LIBRARY@", with: installed?.library ?? swift)
                .replacing("@PACKAGE@", with: package)
                .replacing("@IDENTITY@", with: identity(package))
                .replacing("@PROGRAM@", with: installed?.program ?? "schedhost")
        }
        return (own + [("README.md", readme)]).map { path, text in (fill(path), fill(text)) }
    }

    private static func package(_ installed: Installation?) -> String {
        installed?.package ?? "/usr/local/share/schedhost/PluginAPI"
    }

    /// By which SwiftPM knows the package in a folder: the folder's name, without regard to capitals.
    private static func identity(_ package: String) -> String { String(package.split(separator: "/").last ?? "") }

    /// Why a plugin cannot have that name; nil if it can.
    static func fault(_ options: NewOptions, installed: Installation?) -> String? {
        let identity = identity(package(installed))
        guard options.language == .swift, options.name.lowercased() == identity.lowercased() else { return nil }
        return "a package in Swift cannot be named \(options.name): it depends on the package \(identity), and SwiftPM"
            + " takes the two for one; choose another name"
    }

    /// What both makefiles end with, but for the tests.
    static let targets = """
        run: lib@NAME@.so
        \tmkdir -p build/plugins
        \tcp lib@NAME@.so build/plugins/
        \t$(SCHEDHOST) --plugins build/plugins --state build/state --max-cycles 5 --exit-when-idle

        check: lib@NAME@.so
        \t$(SCHEDHOST) check ./lib@NAME@.so

        clean:
        \trm -rf lib@NAME@.so build .build

        .PHONY: run check test clean

        """

    private static let readme = """
        # @NAME@

        A plugin for schedhost.

            make            builds lib@NAME@.so
            make run        runs five cycles of it
            make check      says whether it is a good plugin
            make test       runs an hour of it in virtual time, and looks at what came of it

        To let it run, copy `lib@NAME@.so` into the plugins directory of a host; it starts within 100 ms. To change what
        it does there, put a file `@NAME@.json5` beside it:

            { wait_ms: 5000, params: { greeting: "good morning" } }

        `schedhost list --plugins DIR` shows what may be set, and `man schedhost-plugin` what a plugin can do.

        """
}
