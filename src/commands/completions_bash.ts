/** Completions for bash: one function that finds out the command, then what may follow. */
import { allCommands, type CommandAbout, type Value } from "./command_tree.ts";

export function bashCompletions(tree: CommandAbout): string {
  const all = allCommands(tree);
  const paths = all.filter(({ path }) => path.length > 0).map(({ path }) => quoted(at(path)));
  return `# bash completions for plumbline, made by 'plumbline completions bash'
_plumbline() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' words='' kind='' i
  # --name=value comes as three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${paths.join("|")}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $prev" in
${all.flatMap(valueCases).join("\n")}
  esac
  if [[ -z $kind ]]; then
    case "$path" in
${all.map(wordsCase).join("\n")}
    esac
    [[ $cur != -* ]] || kind=words
  fi
  case "$kind" in
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
  esac
}
complete -F _plumbline plumbline
`;
}

function valueCases({ path, options }: CommandAbout): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    const pattern = flags.map((flag) => quoted(`${at(path)} ${flag}`)).join("|");
    return [`    ${pattern}) ${assigned(value)} ;;`];
  });
}

function wordsCase({ path, options, commands, args }: CommandAbout): string {
  const [argument] = args;
  const value = argument?.value;
  const choices = typeof value === "object" ? value.choices : [];
  const words = [
    ...commands.map((it) => it.path.at(-1)!),
    ...choices,
    ...options.flatMap(({ flags }) => flags),
  ];
  const kind = typeof value === "string" && value !== "other" ? value : "words";
  return `      ${quoted(at(path))}) kind=${kind} words=${quoted(words.join(" "))} ;;`;
}

function assigned(value: Value): string {
  return typeof value === "object"
    ? `kind=words words=${quoted(value.choices.join(" "))}`
    : `kind=${value}`;
}

/** As the function counts it: a space before each name. */
function at(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join("");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
