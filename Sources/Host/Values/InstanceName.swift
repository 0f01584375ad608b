/// Names of a plugin's instances, such as the `btc` in `market@btc`.
public enum InstanceName {
    /// The maximum length in bytes.
    public static let most = 32

    /// The full name of a plugin's instance, as all parts of the host show it.
    public static func fullName(_ plugin: String, _ instance: String?) -> String {
        instance.map { "\(plugin)@\($0)" } ?? plugin
    }

    /// Whether a name is valid: 1 to 32 of the characters a-z A-Z 0-9 . _ -, the first one not a dot.
    public static func isValid(_ name: String) -> Bool {
        (1...most).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Whether `word`, typed by a person, refers to `plugin`: by its full name, or by the name before the @, which
    /// stands for all instances.
    public static func matches(_ plugin: String, by word: String) -> Bool {
        let name = plugin.utf8
        let said = word.utf8
        guard name.starts(with: said) else { return false }
        return name.count == said.count
            || !said.contains(UInt8(ascii: "@")) && name.dropFirst(said.count).first == UInt8(ascii: "@")
    }
}
