extension HostProcess {
    /// The words of the command line after the program's name. `CommandLine.arguments` makes the same from the same, by
    /// generic code that costs a worker 3 % of its start.
    public static var arguments: [String] {
        var words: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            if let word = unsafe CommandLine.unsafeArgv[index] { unsafe words.append(String(cString: word)) }
        }
        return words
    }
}
