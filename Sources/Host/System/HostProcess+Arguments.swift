extension HostProcess {
    /// The arguments of the command line, without the program's name. Equal to `CommandLine.arguments`, whose generic
    /// code takes 3 % of a worker's start.
    public static var arguments: [String] {
        var words: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            if let word = unsafe CommandLine.unsafeArgv[index] { unsafe words.append(String(cString: word)) }
        }
        return words
    }
}
