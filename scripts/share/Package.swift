// swift-tools-version: 6.2
// The package of plugin authors: .package(path: "@PREFIX@/share/schedhost/PluginAPI"), product PluginAPI.
import PackageDescription

let package = Package(
    name: "PluginAPI",
    products: [.library(name: "PluginAPI", type: .static, targets: ["PluginAPI"])],
    targets: [
        .target(name: "CPluginAPI", path: "C"),
        .target(
            name: "PluginAPI", dependencies: ["CPluginAPI"], path: "Swift",
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ]),
    ],
    cLanguageStandard: .gnu11
)
