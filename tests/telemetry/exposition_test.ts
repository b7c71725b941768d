import assert from "node:assert/strict";
import { parseExposition, valueOf } from "./exposition.ts";

const head = "# HELP m a metric\n# TYPE m counter\n";
const histogram = "# HELP h x\n# TYPE h histogram\n";
const whole = 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n';

Deno.test("names, labels and values are read", () => {
  const families = parseExposition(
    `${head}m{a="x\\"\\\\\\n,}",b=""} 1.5e+03\n\n${histogram}${whole}`,
  );
  assert.deepEqual([...families.keys()], ["m", "h"]);
  assert.equal(valueOf(families, "m", { b: "", a: 'x"\\\n,}' }), 1500);
  assert.equal(valueOf(families, "h_bucket", { le: "+Inf" }), 2);
});

const faulty: Record<string, [string, RegExp]> = {
  "no last line break": [`${head}m 1`, /line break/],
  "no HELP": ["# TYPE m counter\nm 1\n", /missing/],
  "no TYPE": ["# HELP m x\nm 1\n", /outside|missing|belongs/],
  "TYPE twice": [`${head}# TYPE m counter\nm 1\n`, /twice/],
  "HELP after the samples": ["# TYPE m counter\nm 1\n# HELP m x\n", /after the samples/],
  "an unknown type": ["# HELP m x\n# TYPE m count\nm 1\n", /no such type/],
  "a metric in two places": [`${head}m{a="1"} 1\n${histogram}${whole}${head}`, /second time/],
  "a sample of nothing": ["m 1\n", /outside/],
  "a sample of another metric": [`${head}n 1\n`, /outside/],
  "a series twice": [`${head}m{a="1",b="2"} 1\nm{b="2",a="1"} 1\n`, /second time/],
  "a label twice": [`${head}m{a="1",a="2"} 1\n`, /comes twice/],
  "an open label": [`${head}m{a="1} 1\n`, /label/],
  "a quote inside": [`${head}m{a="1"2"} 1\n`, /label/],
  "an unknown escape": [`${head}m{a="\\t"} 1\n`, /label/],
  "series with different labels": [`${head}m{a="1"} 1\nm{b="1"} 1\n`, /different labels/],
  "no number": [`${head}m 1,5\n`, /number/],
  "a timestamp": [`${head}m 1 1700000000000\n`, /no sample/],
  "a negative counter": [`${head}m -1\n`, /counter of -1/],
  "a counter that isn't known": [`${head}m NaN\n`, /counter of NaN/],
  "no +Inf": [`${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, /\+Inf/],
  "buckets out of order": [
    `${histogram}h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    /out of order/,
  ],
  "buckets that aren't cumulated": [
    `${histogram}h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n`,
    /cumulated/,
  ],
  "another count": [`${histogram}${whole.replace("h_count 2", "h_count 3")}`, /_count isn't/],
  "no sum": [`${histogram}${whole.replace("h_sum 3\n", "")}`, /no _sum/],
};

for (const [name, [text, message]] of Object.entries(faulty)) {
  Deno.test(`a page with a fault is refused: ${name}`, () => {
    assert.throws(() => parseExposition(text), message);
  });
}
