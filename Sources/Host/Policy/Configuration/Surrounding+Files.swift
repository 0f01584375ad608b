internal import HostValues

extension Surrounding {
    /// The paths of all `${file:PATH}` in the texts of a configuration file; nil if the file is not JSON5. Relative
    /// paths start at the file's directory.
    public static func files(in content: [UInt8]) -> Set<String>? {
        guard let members = try? JSON5Parser.parseConfiguration(content) else { return nil }
        var files: Set<String> = []
        var rest = members.map(\.node.value)
        while let value = rest.popLast() {
            switch value {
            case .null, .bool, .integer, .double: break
            case .string(let text):
                for case .reference(.file(let path)) in (try? SurroundingText(text).parts) ?? [] { files.insert(path) }
            case .array(let nodes): rest += nodes.map(\.value)
            case .object(let members): rest += members.map(\.node.value)
            }
        }
        return files
    }
}
