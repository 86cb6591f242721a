/**
 * The modules that only exist on Cloudflare. The whole of `@cloudflare/workers-types` would redefine the DOM's globals
 * for every file of the project, so what is used is written here.
 */

/** https://developers.cloudflare.com/durable-objects/api/base/ */
declare module "cloudflare:workers" {
  export abstract class DurableObject<Env> {
    protected readonly ctx: { readonly storage: import("../../ledger/durable-session").SessionStorage };
    protected readonly env: Env;
  }
}

/** What `opennextjs-cloudflare build` writes to `.open-next/worker.js`; `wrangler.toml` has the alias. */
declare module "open-next-worker" {
  const worker: import("./fetch-handler").FetchHandler;
  export default worker;
}
