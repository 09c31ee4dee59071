"""`merzoo completion SHELL`: the script with which a shell completes merzoo's verbs and options."""

from merzoo.errors import InputError

SUMMARY = "print what makes a shell complete verbs and options"
EXAMPLE = "merzoo completion bash > ~/.local/share/bash-completion/completions/merzoo"


def arguments(parser) -> None:
    parser.add_argument("shell", help="bash, zsh, fish, tcsh or powershell")


def run(options) -> int:
    import shtab

    from merzoo.commands._verbs import whole_parser

    if options.shell not in shtab.SUPPORTED_SHELLS:
        raise InputError(f"{options.shell}: choose {', '.join(shtab.SUPPORTED_SHELLS)}.")
    print(shtab.complete(whole_parser(), options.shell))
    return 0
