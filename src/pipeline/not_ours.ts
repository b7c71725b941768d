/** Thrown inside a transaction: what it was made for is no longer as it was read. Trying again can't help. */
export class NotOurs extends Error {}
