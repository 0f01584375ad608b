/// Completion scripts for shells, made from the table of commands. Pure.
public enum Completions {
    /// The script.
    public static func text(for shell: Shell) -> String {
        switch shell {
        case .bash: bash()
        case .zsh: zsh()
        case .fish: fish()
        }
    }

    private static let program = CommandTable.program
    private static var names: [String] { CommandTable.commands.map(\.name.rawValue) }

    /// What is allowed as an option's value: words, or paths of files or directories.
    private enum Values {
        case words([String]), files, directories, anything
    }

    private static func values(_ kind: ValueKind?) -> Values {
        switch kind {
        case .choice(let words): .words(words)
        case .file: .files
        case .directory: .directories
        case .text, .count, .duration, .time, .address, nil: .anything
        }
    }

    // MARK: bash

    private static func bash() -> String {
        var text = """
            # bash completion for \(program); print it again with: \(program) completion bash
            _\(program)() {
                local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=run
                case ${COMP_WORDS[1]} in -*) ;; *) command=${COMP_WORDS[1]} ;; esac
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W "\(names.joined(separator: " ")) --plugins --help --version" -- "$current"))
                    return
                fi
                case "$command $before" in

            """
        for command in CommandTable.commands {
            for option in command.options where option.value != nil {
                let action =
                    switch values(option.value) {
                    case .words(let words):
                        "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))"
                    case .files: "COMPREPLY=($(compgen -f -- \"$current\"))"
                    case .directories: "COMPREPLY=($(compgen -d -- \"$current\"))"
                    case .anything: ":"
                    }
                text += "        \"\(command.name.rawValue) --\(option.name.rawValue)\") \(action); return ;;\n"
            }
        }
        text += "    esac\n    case $command in\n"
        for command in CommandTable.commands {
            let words = command.firstOperand + command.options.map { "--\($0.name.rawValue)" } + ["--help"]
            let files = command.operands.contains("FILE") ? "; COMPREPLY+=($(compgen -f -- \"$current\"))" : ""
            text +=
                "        \(command.name.rawValue)) COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))\(files) ;;\n"
        }
        return text + "    esac\n}\ncomplete -F _\(program) \(program)\n"
    }

    // MARK: zsh

    private static func zsh() -> String {
        var text = """
            #compdef \(program)
            # zsh completion for \(program); print it again with: \(program) completion zsh
            _\(program)() {
                local -a commands
                commands=(

            """
        for command in CommandTable.commands {
            text += "        '\(command.name.rawValue):\(escaped(command.summary))'\n"
        }
        text += """
                )
                if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
                    _describe command commands
                    return
                fi
                local command=run
                [[ $words[2] == -* ]] || { command=$words[2]; shift words; (( CURRENT-- )) }
                case $command in

            """
        for command in CommandTable.commands {
            var arguments = command.options.map { option -> String in
                var entry = "--\(option.name.rawValue)"
                if option.value != nil { entry += "=" }
                entry += "[\(escaped(option.help))]"
                switch values(option.value) {
                case .words(let words): return "\(entry):\(option.placeholder):(\(words.joined(separator: " ")))"
                case .files: return "\(entry):\(option.placeholder):_files"
                case .directories: return "\(entry):\(option.placeholder):_files -/"
                case .anything: return option.value == nil ? entry : "\(entry):\(option.placeholder):"
                }
            }
            arguments.append("(-h --help)--help[show the help]")
            if !command.firstOperand.isEmpty {
                arguments.append("1:word:(\(command.firstOperand.joined(separator: " ")))")
            }
            if command.operands.contains("FILE") { arguments.append("*:file:_files") }
            let words = arguments.map { "'\($0)'" }.joined(separator: " ")
            text += "        \(command.name.rawValue)) _arguments \(words) ;;\n"
        }
        return text + "    esac\n}\n_\(program) \"$@\"\n"
    }

    /// A text between single quotes, in a place where brackets and colons have a meaning.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "'": result += "’"
            case "[", "]", ":", "\\": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }

    // MARK: fish

    private static func fish() -> String {
        func quoted(_ text: String) -> String {
            "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
        }
        var text = "# fish completion for \(program); print it again with: \(program) completion fish\n"
        text += "complete -c \(program) -f\n"
        for command in CommandTable.commands {
            let name = command.name.rawValue
            text += "complete -c \(program) -n __fish_use_subcommand -a \(name) -d \(quoted(command.summary))\n"
            let condition = quoted("__fish_seen_subcommand_from \(name)")
            for option in command.options {
                var line = "complete -c \(program) -n \(condition) -l \(option.name.rawValue) -d \(quoted(option.help))"
                switch values(option.value) {
                case .words(let words): line += " -x -a \(quoted(words.joined(separator: " ")))"
                case .files: line += " -r -F"
                case .directories: line += " -x -a '(__fish_complete_directories)'"
                case .anything: if option.value != nil { line += " -x" }
                }
                text += line + "\n"
            }
            if !command.firstOperand.isEmpty {
                text +=
                    "complete -c \(program) -n \(condition) -a \(quoted(command.firstOperand.joined(separator: " ")))\n"
            }
            if command.operands.contains("FILE") { text += "complete -c \(program) -n \(condition) -F\n" }
        }
        return text
    }
}
