/// What a plugin does to its worker's channel, so that the worker is ended.
public enum ChannelAbuse: Equatable, Sendable, CaseIterable {
    /// It writes there itself, without end.
    case floods
    /// It keeps the worker from reading commands, of which more and more wait.
    case isDeaf

    /// What it does, as the rest of a sentence.
    public var text: String {
        switch self {
        case .floods: "floods its channel"
        case .isDeaf: "keeps its channel from being read"
        }
    }

    /// What that means.
    public var explanation: String {
        switch self {
        case .floods: "its plugin writes there itself, without end"
        case .isDeaf:
            "the worker's main thread has taken no command for a minute, and more than a megabyte of them waits"
        }
    }
}
