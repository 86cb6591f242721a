import { nextHost } from "../support/next-host.mjs";
import { forwardingSuite } from "./forwarding";
import { guardsSuite } from "./guards";
import { pagesSuite } from "./pages";
import { sessionsSuite } from "./sessions";

for (const suite of [forwardingSuite, guardsSuite, sessionsSuite, pagesSuite]) suite(nextHost);
