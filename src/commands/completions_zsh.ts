/** Completions for zsh: a function for each command, by zsh's own `_arguments`. */
import { allCommands, type CommandAbout, type Value } from "./command_tree.ts";

export function zshCompletions(tree: CommandAbout): string {
  return `#compdef plumbline
# zsh completions for plumbline, made by 'plumbline completions zsh'
${allCommands(tree).map(commandFunction).join("\n")}
if [[ $funcstack[1] == _plumbline ]]; then _plumbline "$@"; else compdef _plumbline plumbline; fi
`;
}

function commandFunction(command: CommandAbout): string {
  const { path, options, args, commands } = command;
  const specs = options.flatMap(({ flags, about, value }) =>
    flags.map((flag) => quoted(`${flag}[${plain(about)}]${value ? `:value:${action(value)}` : ""}`))
  );
  if (commands.length === 0) {
    const places = args.map(({ name, value }) =>
      quoted(`${name.endsWith("...") ? "*" : ""}:${plain(name)}:${action(value)}`)
    );
    return `${nameOf(path)}() {
  _arguments -s -S : ${[...specs, ...places].join(" \\\n    ")}
}`;
  }
  const names = commands.map((it) => quoted(`${it.path.at(-1)}:${plain(it.about)}`));
  return `${nameOf(path)}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C -S : ${specs.join(" \\\n    ")} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) local -a names=(${names.join(" ")}); _describe -t commands command names ;;
    rest)
      case $line[1] in
${commands.map((it) => `        ${it.path.at(-1)}) ${nameOf(it.path)} ;;`).join("\n")}
      esac ;;
  esac
}`;
}

function nameOf(path: readonly string[]): string {
  return ["_plumbline", ...path].join("_").replaceAll("-", "_");
}

function action(value: Value): string {
  if (typeof value === "object") return `(${value.choices.join(" ")})`;
  return { file: "_files", folder: "_files -/", other: " " }[value];
}

/** Brackets and colons part what \`_arguments\` is told. */
function plain(about: string): string {
  return about.replace(/[[\]:\\]/g, "\\$&");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
