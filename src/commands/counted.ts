const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `1 row`, `2,000 rows`. */
export function counted(number: number, what: string): string {
  return `${whole.format(number)} ${what}${number === 1 ? "" : "s"}`;
}
