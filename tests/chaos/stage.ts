/** What a run is played on: a broker, topics, a storage service, a disk, two engines, the load. */
import type kafkajs from "kafkajs";
import { type Broker, startBroker } from "../../tools/broker.ts";
import { client, createTopic } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { seededRandom } from "../harness/random.ts";
import { LOAD_TENANTS, makeLoad } from "../integration/load.ts";
import { withLeaders } from "../integration/road.ts";
import { type Disk, openDisk } from "./disk.ts";
import { HttpLoad } from "./http_load.ts";
import { KafkaLoad } from "./kafka_load.ts";
import { Node } from "./node.ts";
import { INPUT, OUTPUT, PARTITIONS, PER_SECOND } from "./setup.ts";
import { StorageService } from "./storage_service.ts";

const POSTS_PER_SECOND = 10;
const DEVICES = 500;

export interface Stage extends AsyncDisposable {
  readonly broker: Broker;
  readonly storage: StorageService;
  readonly disk: Disk;
  /** The first one always runs, the second one now and then. */
  readonly nodes: readonly [Node, Node];
  readonly kafkaLoad: KafkaLoad;
  readonly httpLoad: HttpLoad;
  running(): Node[];
  /** By partition: the offset after the last record. */
  ends(topic: string): Promise<Map<number, number>>;
}

/** `seed`: of the readings and of the storage service's moods. */
export async function openStage(seed: number): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(tempFolder("chaos-"));
  const broker = opened.use(await startBroker({ dir: `${folder.path}/broker` }));
  const { bootstrap } = broker;
  for (const name of [INPUT, OUTPUT]) {
    await createTopic({ name, partitions: PARTITIONS }, bootstrap);
  }
  const admin = client(bootstrap).admin();
  await admin.connect();
  opened.defer(() => admin.disconnect());
  const storage = opened.use(new StorageService(seededRandom(seed + 1)));
  for (const name of ["a", "b"]) await Deno.mkdir(`${folder.path}/${name}`);
  const disk = opened.use(await openDisk(`${folder.path}/a`));
  const tenants = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(tenants, JSON.stringify(LOAD_TENANTS));
  const makeNode = (name: string) =>
    opened.use(
      new Node(name, {
        folder: `${folder.path}/${name}`,
        env: {
          KAFKA_BROKER: bootstrap,
          INPUT_TOPIC: INPUT,
          OUTPUT_TOPIC: OUTPUT,
          CONSUMER_GROUP: "chaos",
          TENANTS_FILE: tenants,
          STORAGE_SERVICE_URL: `${storage.url}/${name}`,
          STORAGE_TIMEOUT_MS: "2000",
        },
      }),
    );
  const nodes = [makeNode("a"), makeNode("b")] as const;
  const running = () => nodes.filter((node) => node.running);
  const load = makeLoad({ devices: DEVICES, random: seededRandom(seed + 2) });
  const kafkaLoad = opened.use(
    new KafkaLoad(load, {
      topic: INPUT,
      bootstrap,
      perSecond: PER_SECOND,
      random: seededRandom(seed + 3),
    }),
  );
  await kafkaLoad.connect();
  const httpLoad = new HttpLoad(
    () => running().flatMap((node) => node.addressNow() ?? []),
    { random: seededRandom(seed + 4), perSecond: POSTS_PER_SECOND },
  );
  const all = opened.move();
  return {
    broker,
    storage,
    disk,
    nodes,
    kafkaLoad,
    httpLoad,
    running,
    ends: (topic) => endsOf(admin, topic),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function endsOf(admin: kafkajs.Admin, topic: string): Promise<Map<number, number>> {
  const partitions = await withLeaders(() => admin.fetchTopicOffsets(topic));
  return new Map(partitions.map(({ partition, high }) => [partition, Number(high)]));
}
