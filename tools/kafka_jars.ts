/**
 * Apache Kafka's own jars, fetched once by Maven and kept between runs: a real broker needs no
 * Docker, only Java 17.
 */

export const KAFKA_VERSION = "4.3.1";
const LOG4J_VERSION = "2.25.2";

const ARTIFACTS = [
  ["org.apache.kafka", "kafka_2.13", KAFKA_VERSION],
  ["org.apache.kafka", "kafka-tools", KAFKA_VERSION],
  ["org.apache.logging.log4j", "log4j-core", LOG4J_VERSION],
  ["org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION],
];

/** Where jars are kept: `KAFKA_CACHE_DIR`, else `.kafka` in the repository (not under git). */
export function cacheFolder(): string {
  return Deno.env.get("KAFKA_CACHE_DIR") || new URL("../.kafka", import.meta.url).pathname;
}

/** The folder of jars, or undefined if they have not been fetched yet. */
export function cachedJars(cache: string): string | undefined {
  const folder = `${cache}/jars-${KAFKA_VERSION}`;
  return exists(folder) ? folder : undefined;
}

/**
 * The folder of jars; fetches them (54 MB) if it is not there. They are fetched beside it and renamed
 * into place, so that a run that is cut off, or two at a time, never leave half a folder behind.
 * Throws with Maven's output if Maven fails.
 */
export async function fetchJars(cache: string): Promise<string> {
  const cached = cachedJars(cache);
  if (cached) return cached;
  await Deno.mkdir(cache, { recursive: true });
  const work = await Deno.makeTempDir({ dir: cache, prefix: "fetch-" });
  try {
    await Deno.writeTextFile(`${work}/pom.xml`, pom());
    await run("mvn", [
      ...["-q", "-B", "-f", `${work}/pom.xml`],
      ...["dependency:copy-dependencies", `-DoutputDirectory=${work}/jars`],
    ]);
    const folder = `${cache}/jars-${KAFKA_VERSION}`;
    try {
      await Deno.rename(`${work}/jars`, folder);
    } catch (error) {
      if (!exists(folder)) throw error; // otherwise somebody else was faster
    }
    return folder;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Runs a command to its end and gives its output; throws with the output if it fails. */
export async function run(command: string, args: string[]): Promise<string> {
  const result = await new Deno.Command(command, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(result.stdout) + decoder.decode(result.stderr);
  if (!result.success) {
    throw new Error(`${command} ended with code ${result.code}: ${output.trim().slice(-2000)}`);
  }
  return output;
}

export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function pom(): string {
  const dependencies = ARTIFACTS.map(([group, artifact, version]) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
    `<version>${version}</version></dependency>`
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>` +
    `<groupId>plumbline</groupId><artifactId>broker</artifactId><version>1</version>` +
    `<dependencies>${dependencies.join("")}</dependencies></project>\n`;
}
