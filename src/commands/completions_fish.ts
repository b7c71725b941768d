/** Completions for fish: a line for each thing that may be written, with the commands behind which. */
import { allCommands, type CommandAbout, type Value } from "./command_tree.ts";

export function fishCompletions(tree: CommandAbout): string {
  const all = allCommands(tree);
  const paths = all.filter(({ path }) => path.length > 0).map(({ path }) => quoted(at(path)));
  return `# fish completions for plumbline, made by 'plumbline completions fish'
function __plumbline_at
    set -l path ''
    for word in (commandline -opc)[2..]
        contains -- "$path $word" ${paths.join(" ")}; and set path "$path $word"
    end
    test "$path" = "$argv[1]"
end
complete -c plumbline -f
${all.flatMap(lines).join("\n")}
`;
}

function lines({ path, options, args, commands }: CommandAbout): string[] {
  const here = `complete -c plumbline -n ${quoted(`__plumbline_at ${quoted(at(path))}`)}`;
  return [
    ...commands.map((it) => `${here} -a ${it.path.at(-1)} -d ${quoted(it.about)}`),
    ...args.flatMap(({ value }) => value === "other" ? [] : [`${here}${taken(value)}`]),
    ...options.map(({ flags, about, value }) => {
      const names = flags.map((it) => it.startsWith("--") ? ` -l ${it.slice(2)}` : ` -s ${it[1]}`);
      const needed = value === undefined ? "" : ` -x${taken(value)}`;
      return `${here}${names.join("")}${needed} -d ${quoted(about)}`;
    }),
  ];
}

function taken(value: Value): string {
  if (typeof value === "object") return ` -a ${quoted(value.choices.join(" "))}`;
  if (value === "other") return "";
  const what = value === "file" ? "__fish_complete_path" : "__fish_complete_directories";
  return ` -a ${quoted(`(${what} (commandline -ct))`)}`;
}

function at(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join("");
}

function quoted(word: string): string {
  return `'${word.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
