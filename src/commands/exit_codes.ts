/** How a command ends (documented in the README). */
export const exitCodes = {
  done: 0,
  /** Failed while running. */
  failed: 1,
  /** Wrong command line or settings. */
  usage: 2,
  /** The data folder is in use, or its schema is newer than this program. */
  dataFolder: 3,
} as const;
