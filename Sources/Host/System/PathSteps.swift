internal import CHostSystem
internal import Glibc

/// Everything that decides where a path leads: the links that it goes through, its folders, and its last component.
/// readlink(2).
public struct PathSteps: Equatable, Sendable {
    /// A name in a folder.
    public struct Step: Hashable, Sendable {
        /// The folder's path. It has no links, except possibly above the working directory.
        public let folder: String
        /// The name in the folder; empty for the root and for the working directory themselves.
        public let name: String

        /// Makes a step from its parts.
        public init(_ folder: String, _ name: String) {
            self.folder = folder
            self.name = name
        }

        /// The path of the entry.
        public var path: String {
            if name.isEmpty { return folder }
            return folder.hasSuffix("/") ? folder + name : folder + "/" + name
        }

        /// The step that leads to the folder; nil if the folder is the root or the working directory.
        public var above: Step? {
            let parts = folder.split(separator: "/")
            guard let last = parts.last, last != ".", last != ".." else { return nil }
            let rest = parts.dropLast().joined(separator: "/")
            return Step(folder.hasPrefix("/") ? "/" + rest : rest.isEmpty ? "." : rest, String(last))
        }
    }

    /// The links, in the order in which they are followed.
    public private(set) var links: [Step] = []
    /// The folders on the way; each may be moved away and replaced by another.
    public private(set) var folders: [Step] = []
    /// Where the path ends, whether an entry exists there or not.
    public private(set) var end: Step

    /// The kernel's limit of links in one path: path_resolution(7).
    private static let mostLinks = 40

    /// Follows a path as far as it leads at present.
    public init(_ path: String) {
        var folder = path.hasPrefix("/") ? "/" : "."
        var rest = Array(path.split(separator: "/").map { String($0) }.reversed())
        var end = Step(folder, "")
        while let part = rest.popLast() {
            if part == "." { continue }
            let step = Step(folder, part)
            guard part != "..", links.count < Self.mostLinks, let target = Self.target(of: step.path) else {
                end = step
                folder = step.path
                if part != "..", !rest.isEmpty { folders.append(step) }
                continue
            }
            links.append(step)
            if target.hasPrefix("/") { folder = "/" }
            end = Step(folder, "")
            rest += target.split(separator: "/").map { String($0) }.reversed()
        }
        self.end = end
    }

    private static func target(of path: String) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            let count = unsafe readlink(path, buffer.baseAddress.unsafelyUnwrapped, buffer.count)
            guard count > 0 else { return nil }
            return unsafe String(
                decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]), as: UTF8.self)
        }
    }
}
