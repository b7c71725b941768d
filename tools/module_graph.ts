/** Who imports whom, as Deno itself resolves it. */

export interface Import {
  /** As written in the file. */
  readonly specifier: string;
  /** Where it leads: a path below the repository for our files, else a URL (`npm:…`, `node:…`). */
  readonly target: string;
  readonly typeOnly: boolean;
  /** By `import()`: loaded when the program comes there. */
  readonly late: boolean;
}

/** By path below the repository; packages and built-in modules have no entry of their own. */
export type ModuleGraph = ReadonlyMap<string, readonly Import[]>;

interface DenoModule {
  specifier: string;
  dependencies?: {
    specifier: string;
    isDynamic?: boolean;
    code?: { specifier?: string };
    type?: { specifier?: string };
  }[];
}

/**
 * The graph of everything that the files reach. `files` are paths below `root` (ends with "/").
 * An import that leads nowhere keeps its written form as target. Throws if Deno can't read the graph.
 */
export async function moduleGraph(root: string, files: readonly string[]): Promise<ModuleGraph> {
  const base = new URL(`file://${root}`).href;
  // `deno info` takes one file: one that imports all of ours.
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imports = files.map((file) => `import ${JSON.stringify(base + file)};\n`);
    await Deno.writeTextFile(entry, imports.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${root}deno.json`, entry],
    }).output();
    if (!success) throw new Error(`deno info: ${new TextDecoder().decode(stderr)}`);
    const { modules }: { modules: DenoModule[] } = JSON.parse(new TextDecoder().decode(stdout));
    const graph = new Map<string, Import[]>();
    for (const module of modules) {
      if (!module.specifier.startsWith(base)) continue;
      graph.set(relative(base, module.specifier), (module.dependencies ?? []).map(toImport(base)));
    }
    return graph;
  } finally {
    await Deno.remove(entry);
  }
}

/** All files that `from` reaches, itself included. */
export function reach(graph: ModuleGraph, from: string): Set<string> {
  const seen = new Set([from]);
  for (const file of seen) for (const { target } of graph.get(file) ?? []) seen.add(target);
  return seen;
}

/** Files below `root` with one of the endings, as paths below it, sorted; `node_modules` left out. */
export async function filesBelow(
  root: string,
  { under, endings }: { under: string; endings: readonly string[] },
): Promise<string[]> {
  const found: string[] = [];
  const info = await Deno.stat(root + under).catch(() => undefined);
  if (info?.isFile) return [under];
  if (!info) return [];
  const folder = under.replace(/\/$/, "");
  for await (const entry of Deno.readDir(root + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "node_modules") {
      found.push(...await filesBelow(root, { under: path, endings }));
    } else if (entry.isFile && endings.some((ending) => entry.name.endsWith(ending))) {
      found.push(path);
    }
  }
  return found.sort();
}

function toImport(base: string) {
  return (dependency: NonNullable<DenoModule["dependencies"]>[number]): Import => ({
    specifier: dependency.specifier,
    target: relative(
      base,
      dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier,
    ),
    typeOnly: !dependency.code,
    late: dependency.isDynamic ?? false,
  });
}

function relative(base: string, specifier: string): string {
  return specifier.startsWith(base) ? specifier.slice(base.length) : specifier;
}
