/** JSON Schemas in words. */

// deno-lint-ignore no-explicit-any -- schemas of our own making
type Json = any;

const integers = new Intl.NumberFormat("en");

/** A type in a few words; a shape that has a name as a link to it. */
export function typeText(schema: Json): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1);
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.anyOf !== undefined) return alternativesText(schema.anyOf.map(typeText));
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((it: unknown) => `\`${it}\``).join(", ") + standard(schema);
  }
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  switch (schema.type) {
    case "array":
      return `array of ${typeText(schema.items)}${count(schema)}`;
    case "object":
      return schema.additionalProperties?.type || schema.additionalProperties?.$ref
        ? `by name: ${typeText(schema.additionalProperties)}`
        : "object";
    case "integer":
      return `integer${range(schema)}${standard(schema)}`;
    case "string":
      return schema.format === "date-time" ? "time" : "string";
    default:
      return schema.type ?? "anything";
  }
}

/** `null` behind "array of number" would read as if it stood in the array. */
function alternativesText(texts: string[]): string {
  const isOpen = (text: string) => +/^(array of|by name)/.test(text);
  return [...new Set(texts)].sort((a, b) => isOpen(a) - isOpen(b)).join(" or ");
}

function range({ minimum, maximum }: Json): string {
  if (minimum === undefined || maximum === undefined || maximum >= 1e12) return "";
  return `, ${integers.format(minimum)} to ${integers.format(maximum)}`;
}

/** How many there may be; an upper bound of 0 belongs to one of several alternatives. */
function count({ minItems = 0, maxItems = 0 }: Json): string {
  if (maxItems === 0) return "";
  const least = minItems === 0 ? "at most" : `${integers.format(minItems)} to`;
  return `, ${least} ${integers.format(maxItems)} of them`;
}

function standard({ default: value }: Json): string {
  if (value === undefined) return "";
  return `; default ${typeof value === "number" ? integers.format(value) : value}`;
}

/**
 * A row for each member of these shapes, and for those of members below them: what several shapes have
 * stands once. With `?` where a shape may be without it. What has a name of its own isn't gone into.
 */
export function memberRows(schemas: readonly Json[], prefix = ""): string[][] {
  const shapes = schemas.flatMap(objectsIn);
  const names = new Set(shapes.flatMap(({ properties }) => Object.keys(properties)));
  return [...names].flatMap((name) => {
    const all = shapes.flatMap(({ properties }) => properties[name] ?? []);
    const always = shapes.every(({ required = [] }) => required.includes(name));
    const texts = new Set(all.flatMap(({ description }) => description ?? []));
    const types = alternativesText(all.map(typeText));
    const at = prefix + name;
    return [
      [`\`${at}\`${always ? "" : "?"}`, types, [...texts].join(" ")],
      ...memberRows(all, `${at}.`),
      ...memberRows(all.flatMap(({ items }) => items ?? []), `${at}[].`),
    ];
  });
}

/** The shapes of objects that a schema allows. */
function objectsIn(schema: Json): Json[] {
  if (schema.properties !== undefined) return [schema];
  return (schema.anyOf ?? []).flatMap(objectsIn);
}
