/** Dead letters in a data folder at rest. Apart from `dead_letter_place.ts`: it loads the database. */
import { type Environment } from "../config/setting_value.ts";
import { settings } from "../config/settings.ts";
import { routesOnly } from "../http/api.ts";
import { deadLetterRoutes } from "../http/dead_letters.ts";
import { LetterDesk, markingReplayer } from "../pipeline/letter_desk.ts";
import { DataFolderInUse, openStore, SchemaTooNew } from "../store/open.ts";
import { createLog } from "../telemetry/log.ts";
import { oneSetting } from "./api_address.ts";
import { askBy, type Asked, NoAnswer } from "./dead_letter_place.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";

/** The folder of `DATA_DIR`, locked until it is disposed of. Throws `ConfigFaults` and `NoAnswer`. */
export function atRest(env: Environment): Asked {
  const store = open(oneSetting(settings.dataDir, env));
  const desk = new LetterDesk(store, markingReplayer(store));
  const api = routesOnly(deadLetterRoutes({ letters: desk }));
  const send = async (path: string, init: RequestInit) => await api.request(path, init);
  return {
    ask: (path, body) => askBy(send, { path, body }),
    [Symbol.dispose]: () => store.close(),
  };
}

function open(dir: string) {
  const now = () => Date.now();
  const write = (line: string) => console.error(line.trimEnd());
  const log = createLog({ level: "info", write, now, format: "text" });
  try {
    // Opening makes what is missing, and nothing is meant to be made here.
    Deno.statSync(`${dir}/plumbline.db`);
    return openStore({ dir, log, now });
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof DataFolderInUse) {
      const way = "an engine that runs is asked by its address: leave out --at-rest";
      throw new NoAnswer(`${message}; ${way}`, exitCodes.dataFolder);
    }
    if (error instanceof SchemaTooNew) throw new NoAnswer(message, exitCodes.dataFolder);
    if (!(error instanceof Deno.errors.NotFound)) throw new NoAnswer(message);
    throw new NoAnswer(
      `reading ${dir}/plumbline.db: ${reasonOf(error)}; DATA_DIR names its folder`,
    );
  }
}
