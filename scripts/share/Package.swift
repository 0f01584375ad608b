// swift-tools-version: 6.2
// The package of plugin authors: .package(path: "@PREFIX@/share/schedhost/PluginAPI"), product PluginAPI, and PluginTesting for
// the tests.
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "PluginAPI",
    products: [
        .library(name: "PluginAPI", type: .static, targets: ["PluginAPI"]),
        .library(name: "PluginTesting", type: .static, targets: ["PluginTesting"]),
    ],
    targets: [
        .target(name: "CPluginAPI", path: "C"),
        .target(name: "PluginAPI", dependencies: ["CPluginAPI"], path: "Swift", swiftSettings: settings),
        .target(
            name: "PluginTesting", dependencies: ["PluginAPI", "CPluginAPI"], path: "Testing", swiftSettings: settings),
    ],
    cLanguageStandard: .gnu11
)
