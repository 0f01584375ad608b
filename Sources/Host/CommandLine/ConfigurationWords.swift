/// The part of a key's entry in the reference that is written for people and cannot be derived from the code.
struct ConfigurationWords {
    /// What a key is about.
    enum Topic: String, CaseIterable {
        case times = "When a routine runs"
        case life = "How it runs"
        case cluster = "On which of several hosts it runs"
        case errors = "What follows an error"
        case restart = "When it is started again"
        case limits = "What a worker may use"
        case sandbox = "What a plugin may touch"
        case caches = "What caches may use"
        case told = "Who is told what happens"
        case parts = "Parts of a file"
    }

    let topic: Topic
    let text: String
    let example: String
    /// What applies if nothing sets the key and there is no built-in value to show.
    var unset: String?
    /// The descriptor's field that also sets the key.
    var field: String?
    /// The command-line option that also sets the key.
    var option: OptionName?

    init(
        _ topic: Topic, _ text: String, _ example: String, unset: String? = nil, field: String? = nil,
        option: OptionName? = nil
    ) {
        self.topic = topic
        self.text = text
        self.example = example
        self.unset = unset
        self.field = field
        self.option = option
    }
}
