/** What a route says of itself. `openapi.ts` makes one document of all of them. */
import { z } from "../../deps.ts";

export const JSON_TYPE = "application/json";

/** In the order in which they are shown. */
export const TOPICS = [
  "Readings",
  "Statistics",
  "Results",
  "Dead letters",
  "Health",
  "Administration",
  "The interface itself",
] as const;

export type Topic = (typeof TOPICS)[number];

/**
 * One method of a route. Texts are Markdown of paragraphs, lists (`- `), `code`, **bold** and links to
 * files in `docs`, no more. What every route may answer (`COMMON_ANSWERS`) is added to `answers`.
 */
export interface Description {
  /** A verb and a noun: clients that are made from the document name a function by it. */
  readonly id: string;
  readonly topic: Topic;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly text?: string;
  /** The parts of the path that vary; `describe` each. */
  readonly path?: z.ZodObject;
  /** What `readQuery` takes; `describe` each. */
  readonly query?: z.ZodObject;
  readonly body?: BodyDescription;
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Where a member of an answer goes on: what is asked for next. */
  readonly links?: readonly AnswerLink[];
  /** The requests are asked one after the other by a test, over all routes by topic, and answered so. */
  readonly examples?: readonly Example[];
}

export interface BodyDescription {
  readonly text: string;
  /** By media type. */
  readonly content: Readonly<Record<string, z.ZodType>>;
}

export interface AnswerDescription {
  readonly text: string;
  /** Of a JSON answer; not given: an error's, or a text if `media` is. */
  readonly schema?: z.ZodType;
  /** Another media type than JSON's, as the header says it. */
  readonly media?: string;
  /** Where the request chooses: media types in which it may come, too, as a text. */
  readonly otherMedia?: readonly string[];
  /** Headers that such an answer always has. */
  readonly headers?: readonly HeaderName[];
}

export interface AnswerLink {
  readonly name: string;
  /** `id` of the operation that is asked next. */
  readonly operation: string;
  /** Its parameters, each by where in the answer its value stands: `{ after: "/next" }`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Example {
  /** A few words, none twice in an operation: what it shows. */
  readonly name: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Media type of the body; JSON if not given. */
  readonly type?: string;
  readonly status: number;
  /** As the engine writes it, but for line breaks. */
  readonly answer: string;
  /** Media type of the answer; JSON if not given. */
  readonly media?: string;
  /**
   * In what state the engine answers so, where the examples before it don't bring that about;
   * tests/http/examples_test.ts does.
   */
  readonly when?: string;
}

/** Every error's body, wherever the request could be read. */
export const errorSchema = z.object({
  status: z.literal("error"),
  message: z.string().describe("What was expected, and what came."),
}).meta({ id: "Error" });

/** RFC 3339 with a zone. */
export const timeSchema = z.string().meta({ format: "date-time" });

/** What the headers that an answer may have mean; names as HTTP/2 has them. */
export const HEADERS = {
  "retry-after": {
    text: "After so many seconds the same request may be sent again.",
    schema: z.string().meta({ wire: { type: "integer", minimum: 1 } }),
  },
  "www-authenticate": {
    text: "`Bearer`, and what is wrong with the token where one came (RFC 6750).",
    schema: z.string(),
  },
  "accept-encoding": {
    text: "How a body may be encoded.",
    schema: z.literal("identity"),
  },
  "content-disposition": {
    text: "A name for whoever saves it as a file.",
    schema: z.string(),
  },
} as const satisfies Record<string, { text: string; schema: z.ZodType }>;

export type HeaderName = keyof typeof HEADERS;

/** Between the texts of one status. */
export const OR = " Or: ";

/** What is answered instead where a token is needed. */
export const TOKEN_ANSWERS: Readonly<Record<number, AnswerDescription>> = {
  401: { text: "No token came, or a wrong one.", headers: ["www-authenticate"] },
  429: { text: "Too many wrong tokens from this address.", headers: ["retry-after"] },
};

/** Where the token must be for something, too. */
export const FORBIDDEN: AnswerDescription = {
  text: "The token has another scope, or is limited to tenants while this is about all of them.",
  headers: ["www-authenticate"],
};

/** Whatever is asked for. */
export const COMMON_ANSWERS: Readonly<Record<number, AnswerDescription>> = {
  400: { text: "`Host` is none that can stand in an address." },
  500: { text: "A defect; the log says more." },
  501: { text: "`Transfer-Encoding` is another than `chunked`." },
  503: {
    text: "The engine waits for its store at the start, stops, or its store can't be written.",
    headers: ["retry-after"],
  },
};

/** What is said of a status by the operation itself: the document has it with what goes for all of them. */
export function ownText(description: string): string {
  const common = new Set(
    [COMMON_ANSWERS, TOKEN_ANSWERS, { 403: FORBIDDEN }].flatMap((it) => Object.values(it))
      .map(({ text }) => text),
  );
  return description.split(OR).filter((text) => !common.has(text)).join(OR);
}
