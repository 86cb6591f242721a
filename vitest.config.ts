import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

const alias = { "@/": fileURLToPath(new URL("./", import.meta.url)) };

/** One entry a runtime; `npx vitest run --project <name>` runs one of them. */
const projects: TestProjectConfiguration[] = [
  {
    resolve: { alias },
    test: {
      name: "edge",
      include: ["tests/{flow,session,token,backend}/**/*.test.ts"],
      environment: "edge-runtime",
      // The VM pools run a file inside @edge-runtime/vm; the others only copy its globals onto Node's, so that a test
      // would see what the edge does not have: `AbortSignal.any`, `DecompressionStream` (measured on vitest 5.1.1).
      pool: "vmThreads",
    },
  },
  {
    resolve: { alias },
    test: {
      name: "node",
      include: ["tests/ledger/**/*.test.ts"],
      exclude: ["tests/ledger/durable-object*.test.ts"],
      environment: "node",
      testTimeout: 30_000,
      maxWorkers: 2,
    },
  },
  {
    resolve: { alias },
    test: {
      name: "next",
      include: ["tests/gateway/next*.test.ts"],
      environment: "node",
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
    },
  },
  {
    resolve: { alias },
    test: {
      name: "workerd",
      include: ["tests/gateway/workerd*.test.ts", "tests/ledger/durable-object*.test.ts"],
      environment: "node",
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
    },
  },
  {
    resolve: { alias },
    test: {
      name: "browser",
      include: ["tests/browser/**/*.test.ts", "tests/demo/**/*.test.ts"],
      environment: "node",
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // One Chromium at a time: tabs in the background are throttled, and two files would make each other's.
      maxWorkers: 1,
      fileParallelism: false,
    },
  },
];

export default defineConfig({ test: { projects } });
