/// The control groups that a worker joins when it starts: their folders, with the controllers used in each. Pure.
public struct GroupMembership: Equatable, Sendable {
    private static let word = "group="

    /// The controllers by the group's folder.
    public var folders: [String: Set<GroupPlaces.Controller>]

    /// The membership of a worker in these groups.
    public init(_ folders: [String: Set<GroupPlaces.Controller>] = [:]) { self.folders = folders }

    /// The controllers of all groups.
    public var controllers: Set<GroupPlaces.Controller> { folders.values.reduce(into: []) { $0.formUnion($1) } }

    /// The words of a worker's command line: `group=cpu,pids:FOLDER`.
    public var arguments: [String] {
        folders.sorted { $0.key < $1.key }.map { folder, controllers in
            Self.word + controllers.map(\.rawValue).sorted().joined(separator: ",") + ":" + folder
        }
    }

    /// Parses the groups in a worker's command line; other words are ignored.
    public init(arguments: [String]) {
        folders = [:]
        for argument in arguments where argument.hasPrefix(Self.word) {
            let rest = argument.dropFirst(Self.word.count)
            guard let colon = rest.firstIndex(of: ":") else { continue }
            let names = rest[..<colon].split(separator: ",")
            folders[String(rest[rest.index(after: colon)...])] = Set(
                names.compactMap { GroupPlaces.Controller(rawValue: String($0)) })
        }
    }
}
