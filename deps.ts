/**
 * The one door through which third-party packages come into the program.
 * Versions stand in `deno.json`; nothing in `src/core` or `src/pipeline` imports this file.
 */
// @ts-types="@types/better-sqlite3"
import Database from "better-sqlite3";
export { Database };
export { and, count, eq, gt, gte, sql } from "drizzle-orm";
export { drizzle } from "drizzle-orm/better-sqlite3";
export * as sqlite from "drizzle-orm/sqlite-core";
export { type Context, Hono } from "hono";
export * as kafka from "@platformatic/kafka";
export { pino } from "pino";
export * as prom from "prom-client";
export * as ulid from "ulid";
export { z } from "zod";
