/**
 * A door of its own for the YAML parser: an engine without a tenants' file starts without loading it
 * (13 MiB).
 */
export { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
