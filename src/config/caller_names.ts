/** What commands that ask an engine read from the environment; it may be the engine's own, too. */
export const callerNames = {
  token: "PLUMBLINE_TOKEN",
  tokenFile: "PLUMBLINE_TOKEN_FILE",
} as const;
