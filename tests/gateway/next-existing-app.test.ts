import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient } from "../support/client.mjs";
import { buildExistingApp } from "../support/existing-app.mjs";
import { startFakeBackend } from "../support/fake-backend.mjs";
import { startFakeProvider } from "../support/fake-provider.mjs";
import { startNext } from "../support/next-host.mjs";
import { json, type RunningHost, SECRET } from "./world";

let provider: Awaited<ReturnType<typeof startFakeProvider>>;
let backend: Awaited<ReturnType<typeof startFakeBackend>>;
let built: ReturnType<typeof buildExistingApp> | undefined;
let app: RunningHost | undefined;

beforeAll(async () => {
  [provider, backend] = await Promise.all([startFakeProvider(), startFakeBackend()]);
  built = buildExistingApp();
  const company = { AUTH_COMPANY_ISSUER: provider.issuer, AUTH_COMPANY_ID: "app", AUTH_COMPANY_SECRET: "app-secret" };
  app = await startNext({ AUTH_SECRET: SECRET, BACKEND_URL: backend.url, ...company }, { cwd: built.folder });
});
afterAll(async () => {
  await app?.stop();
  built?.remove();
  await Promise.all([provider.close(), backend.close()]);
});

it("an existing Auth.js app keeps its callbacks, pages and provider, and gets the gateway", async () => {
  const user = createClient(app?.origin ?? "");
  expect((await user.request("/members")).status).toBe(307);
  const { response, url } = await user.signIn({ provider: "company", callbackUrl: "/members" });
  expect([response.status, url.pathname]).toEqual([200, "/members"]);
  const page = await response.text();
  expect(page).toContain("blue");
  expect(await user.session()).toMatchObject({ team: "blue", user: { id: "ada" }, gateway: { generation: 1 } });
  expect((await user.request("/backend/orders")).status).toBe(200);
  expect(provider.isValid(backend.state.seen[0]?.bearer ?? "")).toBe(true);
  const cookie = user.sessionCookie();
  await user.signOut();
  expect(await json(await user.request("/backend/orders", { cookie }))).toMatchObject({ code: "session_expired" });
});
