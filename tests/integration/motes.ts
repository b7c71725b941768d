/** Real input: six hours of four motes, as records for the input topic. */
import { type TestRecord } from "../harness/kafka.ts";

const FILE = new URL("../fixtures/wsn/multi-hop.csv", import.meta.url);
const START = Date.parse("2010-05-09T10:00:00Z");
const INTERVAL_MS = 5_000;

/** Every mote's readings, one every 5 s from the same start; the numbers as they stand in the file. */
export async function moteReadings(): Promise<TestRecord[]> {
  const lines = (await Deno.readTextFile(FILE)).trim().split("\n").slice(1);
  const sent = new Map<string, number>();
  return lines.map((line) => {
    const [, mote, , humidity, temperature] = line.trim().split(",");
    const number = sent.get(mote) ?? 0;
    sent.set(mote, number + 1);
    const timestamp = new Date(START + number * INTERVAL_MS).toISOString();
    const device = `mote-${mote}`;
    const value = `{"device_id":"${device}","temperature":${temperature},"humidity":${humidity},` +
      `"timestamp":"${timestamp}","tenant_id":"wsn"}`;
    return { key: device, value };
  });
}
