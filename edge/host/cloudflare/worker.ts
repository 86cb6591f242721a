/** The Cloudflare Worker's entry, named in `wrangler.toml`: like `middleware.ts`, it joins the app's configurations to a host. */
import authConfig from "../../../auth.config";
import gatewayConfig from "../../../gateway.config";
import { gatewayWorker } from "./fetch-handler";
import { sessionLedgerClass } from "./session-ledger";

const sources = { auth: authConfig, gateway: gatewayConfig };

export default gatewayWorker(sources, () => import("open-next-worker"));

export class SessionLedger extends sessionLedgerClass(sources) {}
