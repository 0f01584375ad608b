extension RestartPolicy {
    /// The same file and the same settings are kept under another key from now on, since the configuration says them in other
    /// words: nothing starts or is forgiven by that. True when the key is another one, so that the tally wants to be saved.
    public mutating func renamed(to content: String) -> Bool {
        guard self.content != nil, self.content != content else { return false }
        self.content = content
        return true
    }
}
