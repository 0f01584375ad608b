// swift-tools-version: 6.2
// No package dependencies: the toolchain's modules, glibc and dlopen only.
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Without what the regular expressions bring, which the host does not use (see Sources/Host/Values/TextSearch.swift).
let strictHost =
    strict + [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

let strictC: [CSetting] = [
    .unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden"])
]

/// The host is one file: with Swift's libraries inside, a worker starts in half the time that the shared ones take (see
/// Tests/Benchmarks/README.md), and the program runs where no toolchain is. It exports no symbol of Swift's, so plugins in Swift
/// load the shared libraries beside it, and the two never meet. `SCHEDHOST_LINK=shared` when building turns this off.
let linkedIn: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib",
        "-L\(Context.packageDirectory)/Sources/Host/Main/link",
        "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "--gc-sections", "-Xlinker", "-z", "-Xlinker",
        "nostart-stop-gc", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xclang-linker", "-static-libgcc",
    ])
]
let linking = Context.environment["SCHEDHOST_LINK"] == "shared" ? [] : linkedIn

/// PluginTesting loads this library into the test's process, which has Swift libraries of its own: nothing but the entry is
/// exported.
let loadedByTests: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/Host/TrialLibrary/exports.map",
    ])
]

/// One sample plugin: a dynamic library from `Plugins/<name>`. In Swift all is exported, so the linker is told what not.
func plugin(swift name: String) -> Target {
    .target(
        name: name, dependencies: ["PluginAPI"], path: "Plugins/\(name)", exclude: ["README.md"],
        swiftSettings: strict,
        linkerSettings: [
            .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map"])
        ])
}

func plugin(c name: String) -> Target {
    .target(
        name: name, dependencies: ["CPluginAPI"], path: "Plugins/\(name)", exclude: ["README.md"],
        publicHeadersPath: ".", cSettings: strictC)
}

func host(
    _ name: String, _ folder: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
    linking: [LinkerSetting] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Host/\(folder)", exclude: exclude,
        swiftSettings: strictHost,
        linkerSettings: linking)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "schedhost",
    products: [
        .executable(name: "schedhost", targets: ["schedhost"]),
        .library(name: "PluginAPI", type: .static, targets: ["PluginAPI"]),
        .library(name: "PluginTesting", type: .static, targets: ["PluginTesting"]),
        .library(name: "schedhost-trial", type: .dynamic, targets: ["HostTrialLibrary"]),
        .library(name: "SystemStats", type: .dynamic, targets: ["SystemStats"]),
        .library(name: "LogTail", type: .dynamic, targets: ["LogTail"]),
        .library(name: "MarketPoller", type: .dynamic, targets: ["MarketPoller"]),
        .library(name: "SymbolIndex", type: .dynamic, targets: ["SymbolIndex"]),
    ],
    targets: [
        .target(name: "CPluginAPI", path: "Sources/PluginAPI/C", cSettings: strictC),
        .target(
            name: "PluginAPI", dependencies: ["CPluginAPI"], path: "Sources/PluginAPI/Swift",
            swiftSettings: strict),
        .target(
            name: "PluginTesting", dependencies: ["PluginAPI", "CPluginAPI"], path: "Sources/PluginAPI/Testing",
            swiftSettings: strict),

        .target(name: "CHostSystem", path: "Sources/Host/CSystem", cSettings: strictC),
        host("HostValues", "Values", []),
        host("HostSystem", "System", ["CHostSystem", "HostValues"]),
        host("HostPolicy", "Policy", ["HostValues"]),
        host("HostCluster", "Cluster", ["HostValues"]),
        host("HostWire", "Wire", ["HostValues"]),
        host("HostInspection", "Inspection", ["HostValues", "HostSystem", "CPluginAPI"]),
        host("HostStore", "Store", ["HostValues", "HostPolicy", "HostSystem"]),
        host("HostViews", "Views", ["HostValues", "HostWire"]),
        host("HostCommandLine", "CommandLine", ["HostValues", "HostPolicy", "HostWire", "HostViews"]),
        host(
            "HostWorker", "Worker",
            ["HostValues", "HostPolicy", "HostSystem", "HostInspection", "HostStore", "HostWire", "CPluginAPI"]),
        host(
            "HostSupervisor", "Supervisor",
            [
                "HostValues", "HostPolicy", "HostCluster", "HostSystem", "HostInspection", "HostStore", "HostWire",
                "HostViews",
            ]),
        host("HostTrial", "Trial", ["HostValues", "HostSystem", "HostWorker", "HostSupervisor"]),
        host(
            "HostTrialLibrary", "TrialLibrary",
            ["HostValues", "HostSystem", "HostWorker", "HostSupervisor", "HostTrial"],
            exclude: ["exports.map"], linking: linking + loadedByTests),
        .executableTarget(
            name: "schedhost",
            dependencies: [
                "HostValues", "HostPolicy", "HostSystem", "HostInspection", "HostStore", "HostWire", "HostViews",
                "HostCommandLine", "HostWorker", "HostSupervisor", "HostTrial",
            ],
            path: "Sources/Host/Main", exclude: ["link"], swiftSettings: strictHost, linkerSettings: linking),

        // What the benchmarks measure inside of the host; `scripts/bench` builds and runs it.
        .executableTarget(
            name: "calendarbench", dependencies: ["HostValues", "HostPolicy", "HostSystem", "HostStore"],
            path: "Tests/Benchmarks/calendar", swiftSettings: strict),

        plugin(c: "LogTail"),
        plugin(c: "SystemStats"),
        plugin(swift: "MarketPoller"),
        plugin(swift: "SymbolIndex"),

        tests("HostSystemTests", ["HostSystem", "HostValues", "HostTestKit"]),
        tests("PluginAPITests", ["PluginAPI", "CPluginAPI"]),
        // They load the library of `schedhost-trial`, which `swift build --build-tests` builds too.
        tests("PluginTestingTests", ["PluginTesting", "PluginAPI"]),
        .target(
            name: "HostTestKit", dependencies: ["HostValues", "HostSystem", "AllocationCounter"],
            path: "Tests/HostTestKit",
            swiftSettings: strict),
        tests("HostValuesTests", ["HostValues", "HostTestKit"]),
        tests(
            "HostPolicyTests", ["HostPolicy", "HostInspection", "HostStore", "HostValues", "HostSystem", "HostTestKit"]),
        tests("HostInspectionTests", ["HostInspection", "HostValues", "HostSystem", "HostTestKit"]),
        tests(
            "HostStoreTests",
            ["HostStore", "HostPolicy", "HostViews", "HostValues", "HostSystem", "AllocationCounter", "HostTestKit"]),
        tests("HostClusterTests", ["HostCluster", "HostValues", "HostTestKit"]),
        tests("HostWireTests", ["HostWire", "HostValues", "HostTestKit"]),
        tests("HostViewsTests", ["HostViews", "HostWire", "HostValues", "HostSystem", "HostTestKit"]),
        tests(
            "HostCommandLineTests",
            ["HostCommandLine", "HostViews", "HostWire", "HostPolicy", "HostValues", "HostSystem", "HostTestKit"]),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter", cSettings: strictC),
        tests(
            "HostWorkerTests",
            [
                "HostWorker", "HostValues", "HostPolicy", "HostSystem", "HostInspection", "HostStore", "HostWire",
                "CPluginAPI", "PluginAPI", "AllocationCounter", "HostTestKit",
            ]),
        tests(
            "HostSupervisorTests",
            [
                "HostSupervisor", "HostWorker", "HostCluster", "HostValues", "HostPolicy", "HostSystem",
                "HostInspection", "HostStore",
                "HostWire", "HostViews", "AllocationCounter", "HostTestKit",
            ]),
        tests(
            "FixtureTests",
            ["HostWorker", "HostInspection", "HostStore", "HostWire", "HostValues", "HostSystem", "HostTestKit"]),
        // They run the program, which `swift build --build-tests` and `swift test` build too. No dependency: its libraries inside
        // would become the tests' own.
        tests(
            "EndToEndTests",
            [
                "HostValues", "HostPolicy", "HostSystem", "HostInspection", "HostStore", "HostWire", "HostViews",
                "HostCommandLine",
            ]),
    ],
    cLanguageStandard: .gnu11
)

// `SCHEDHOST_TESTS=HostPolicyTests`, or `=HostWorkerTests:PluginKit.swift:CacheHitTests.swift,HostClusterTests:Model`: only what
// these tests need, of those with files or folders only these, which scripts/test and scripts/fuzz build with optimisation.
if let only = Context.environment["SCHEDHOST_TESTS"] {
    let wanted = only.split(separator: ",").map { $0.split(separator: ":").map(String.init) }
    let needed =
        [
            "CPluginAPI", "PluginAPI", "CHostSystem", "HostValues", "HostSystem", "HostPolicy", "HostCluster",
            "HostWire",
            "HostInspection", "HostStore", "HostWorker",
            "AllocationCounter", "HostTestKit",
        ] + wanted.map { $0[0] }
    package.targets.removeAll { !needed.contains($0.name) }
    for target in package.targets {
        guard let files = wanted.first(where: { $0[0] == target.name })?.dropFirst(), !files.isEmpty else { continue }
        target.sources = Array(files)
    }
    package.products = []
}
