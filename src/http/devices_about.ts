/** What OpenAPI says of the lists of devices. */
import { z } from "../../deps.ts";
import { type Description, timeSchema } from "./description.ts";
import { devicesExamples } from "./devices_examples.ts";

const listedDeviceSchema = z.object({
  tenant_id: z.string(),
  device_id: z.string(),
  last_seen: timeSchema.nullable().describe(
    "The latest timestamp of its readings, as it was sent.",
  ),
  results: z.int().min(0).describe("How many it has had, ever."),
  last_processed: timeSchema.nullable()
    .describe("When the last one was made, by the engine's clock."),
  last_score: z.number().nullable()
    .describe("The `anomaly_score` of the last one, whatever the threshold is."),
}).meta({ id: "ListedDevice" });

const devicesSchema = z.object({
  status: z.literal("ok"),
  devices: z.array(listedDeviceSchema),
  next: z.string().optional().describe("Where to go on; there when there are more devices."),
});

export function devicesAbout(query: z.ZodObject): Description {
  return {
    id: "listDevices",
    topic: "Statistics",
    summary: "Devices by when they were seen or by their score, and those that are silent",
    text: `All devices, in memory or on the disk.

- \`last_seen\` is by the device's own clock. \`silent_for\` goes by \`last_processed\`: a device whose \
clock is wrong can't hide that it is silent. Readings that sampling left out or that were rejected don't \
count.
- \`results\` counts from when this was kept first. \`last_processed\` and \`last_score\` are \`null\` for \
a device that was not heard of since then. \`null\` counts as lower than every score, and silence goes by \`last_seen\` then.
- Devices with the same value come in the order of tenant and id. The list moves: a device that is heard \
of between two pages may be on both, or on none.
- Each device is shown as it is while the page is made, in steps between which other work has its turn. \
The first answer after a start reads a few numbers of every device from the disk, the next ones take some \
milliseconds; these numbers take up to 64 MiB of memory, about 400,000 devices. With more than that each \
answer reads them anew.
- It is made as pages of \`/api/stats\` are, and may be a 503 with \`Retry-After\` as they may.`,
    query,
    answers: {
      200: { text: "A page of devices.", schema: devicesSchema },
      400: { text: "A parameter is wrong or unknown." },
      503: { text: "Too many pages are in the making.", headers: ["retry-after"] },
    },
    examples: devicesExamples,
    links: [{
      name: "next",
      operation: "listDevices",
      parameters: { after: "/next" },
      text: "The devices behind this page.",
    }],
  };
}
