import HostValues

extension ConfigurationMistakes {
    /// Texts that are no JSON5.
    static let syntax: [Mistake] = [
        Mistake(
            .plugin, #""#,
            #"F:1:1: the file is empty; an empty configuration is {}"#),
        Mistake(
            .plugin, #"   // only a comment"#,
            #"F:1:21: the file is empty; an empty configuration is {}"#),
        Mistake(
            .plugin, #"[1, 2]"#,
            #"F:1:1: '[' where { is expected; a configuration looks like { wait_ms: 1000 }"#),
        Mistake(
            .plugin, #""text""#,
            #"F:1:1: '"' where { is expected; a configuration looks like { wait_ms: 1000 }"#),
        Mistake(
            .plugin, #"{ wait_ms: 5"#,
            #"F:1:1: the object that begins here has no end; close it with }"#),
        Mistake(
            .plugin, #"{ wait_ms: 5 max_cycles: 3 }"#,
            #"F:1:14: 'm' where a comma or } is expected"#),
        Mistake(
            .plugin, #"{ wait_ms 5 }"#,
            #"F:1:11: '5' where a colon is expected after the name wait_ms"#),
        Mistake(
            .plugin, #"{ wait_ms: }"#,
            #"F:1:12: '}' where a value is expected"#),
        Mistake(
            .plugin, #"{ wait_ms: 5 } }"#,
            #"F:1:16: '}' comes after the end of the value"#),
        Mistake(
            .plugin, #"{ wait_ms: 5s }"#,
            #"F:1:13: 's' in a number; a text wants quotes"#),
        Mistake(
            .plugin, #"{ wait_ms: soon }"#,
            #"F:1:12: soon is no value; a text wants quotes"#),
        Mistake(
            .plugin, #"{ wait_ms: 05 }"#,
            #"F:1:12: a number may not begin with 0; leave the zeros out"#),
        Mistake(
            .plugin, #"{ wait_ms: 0x }"#,
            #"F:1:12: 0x wants hexadecimal digits after it"#),
        Mistake(
            .plugin, #"{ wait_ms: - }"#,
            #"F:1:13: a space where a digit is expected"#),
        Mistake(
            .plugin, #"{ wait_ms: 1e999 }"#,
            #"F:1:12: a number that is too large"#),
        Mistake(
            .plugin, #"{ until: "18:00 }"#,
            #"F:1:10: the text that begins here has no end; close it with its quote"#),
        Mistake(
            .plugin, #"{ until: '18:00"#,
            #"F:1:10: the text that begins here has no end; close it with its quote"#),
        Mistake(
            .plugin, #"{ /* wait_ms: 5 }"#,
            #"F:1:3: the comment that begins here has no end; close it with */"#),
        Mistake(
            .plugin, #"{ wait_ms: 5 # half a second~}"#,
            #"F:1:14: '#' where a comma or } is expected; a comment begins with //"#),
        Mistake(
            .plugin, #"{ wait-ms: 5 }"#,
            #"F:1:7: '-' where a colon is expected after the name wait; a name with - in it wants quotes"#),
        Mistake(
            .plugin, #"{ params: [1, 2 }"#,
            #"F:1:17: '}' where a comma or ] is expected"#),
        Mistake(
            .plugin, #"{ params: { a: "\u12" } }"#,
            #"F:1:17: the escape wants 4 hexadecimal digits"#),
        Mistake(
            .plugin, #"{ params: { a: "\ud800" } }"#,
            #"F:1:17: half of a surrogate pair is no character"#),
        Mistake(
            .plugin, #"{ params: { a: "\1" } }"#,
            #"F:1:17: '\1' is no escape; a backslash itself is \\"#),
        Mistake(
            .plugin, #"{ , }"#,
            #"F:1:3: ',' where a name or } is expected"#),
        Mistake(
            .plugin, #"{ "a": 1 / 2 }"#,
            #"F:1:10: '/' begins no comment; write // or /* … */"#),
        Mistake(
            .plugin, #"<wait_ms>5</wait_ms>"#,
            #"F:1:1: '<' where { is expected; a configuration looks like { wait_ms: 1000 }"#),
        Mistake(
            .plugin, #"wait_ms = 5"#,
            #"F:1:1: 'w' where { is expected; a configuration looks like { wait_ms: 1000 }"#),
    ]
}
