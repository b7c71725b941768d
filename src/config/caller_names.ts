/** What commands that ask an engine read from the environment; it may be the engine's own, too. */
export const callerNames = {
  token: "PLUMBLINE_TOKEN",
  tokenFile: "PLUMBLINE_TOKEN_FILE",
  url: "PLUMBLINE_URL",
  caFile: "PLUMBLINE_CA_FILE",
} as const;
